"""The plugin protocol (version 6), served from the schemas.

`tf` brings the wire format and the process; its own resource classes know neither nested attributes
nor planning of unknown values, so this servicer works on the values as Terraform sends them.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.utils import Diagnostics, _to_attribute_path

from bot.domain.errors import TrimtabError
from bot.lab.provider import data, planning, schemas, wire
from bot.lab.provider.backends import Backend, open_backend
from bot.lab.provider.resources import Resource

_Answer = TypeVar("_Answer")


class Servicer(rpc.ProviderServicer):  # type: ignore[misc]  # generated without types
    """Answer Terraform for one version of the provider."""

    def __init__(self, version: str) -> None:
        self._schemas = schemas.load(version)
        self._backend: Backend | None = None

    def GetMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802  the protocol's names
        """Announce that schemas must be asked for, and that destroys are not planned here."""
        del request, context
        return pb.GetMetadata.Response(server_capabilities=pb.ServerCapabilities())

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return every schema."""
        del request, context
        held = self._schemas
        return pb.GetProviderSchema.Response(
            provider=schemas.to_wire(held.provider),
            resource_schemas={name: schemas.to_wire(one) for name, one in held.resources.items()},
            data_source_schemas={
                name: schemas.to_wire(one) for name, one in held.data_sources.items()
            },
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept; what is wrong shows when the provider is configured."""
        del request, context
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Report what the provider's validators refuse."""
        del context
        attributes = self._schemas.resource(request.type_name)
        found = _faults(attributes, wire.decode(request.config))
        return pb.ValidateResourceConfig.Response(diagnostics=found.to_pb())

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Report what the provider's validators refuse."""
        del context
        attributes = self._schemas.data_source(request.type_name)
        found = _faults(attributes, wire.decode(request.config))
        return pb.ValidateDataResourceConfig.Response(diagnostics=found.to_pb())

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take stored state as it is, without attributes that this version does not have."""
        del context
        stored = json.loads(request.raw_state.json)
        known = self._schemas.resource(request.type_name)
        state = {name: stored.get(name) for name in known}
        return pb.UpgradeResourceState.Response(upgraded_state=wire.encode(state))

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Open the backend that the provider block names."""
        del context

        def configure() -> Any:
            self._backend = open_backend(wire.decode(request.config))
            return pb.ConfigureProvider.Response()

        return _guarded(pb.ConfigureProvider.Response, configure)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refresh one object."""
        del context

        def read() -> Any:
            current = wire.decode(request.current_state)
            state = self._resource(request.type_name).read(current)
            return pb.ReadResource.Response(new_state=wire.encode(state))

        return _guarded(pb.ReadResource.Response, read)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Plan one object."""
        del context
        config = wire.decode(request.config)
        if config is None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        prior = wire.decode(request.prior_state)
        attributes = self._schemas.resource(request.type_name)
        replaced = [] if prior is None else planning.replaced(attributes, config, prior)
        return pb.PlanResourceChange.Response(
            planned_state=wire.encode(planning.plan(attributes, config, prior)),
            requires_replace=[_to_attribute_path([name]) for name in replaced],
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create, change or delete one object."""
        del context

        def apply() -> Any:
            resource = self._resource(request.type_name)
            prior = wire.decode(request.prior_state)
            planned = wire.decode(request.planned_state)
            if planned is None:
                resource.delete(prior)
                return pb.ApplyResourceChange.Response(new_state=request.planned_state)
            state = resource.create(planned) if prior is None else resource.update(prior, planned)
            return pb.ApplyResourceChange.Response(new_state=wire.encode(state))

        return _guarded(pb.ApplyResourceChange.Response, apply)

    def ImportResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Adopt an object by its id."""
        del context

        def adopt() -> Any:
            state = self._resource(request.type_name).adopt(request.id)
            if state is None:
                missing = Diagnostics()
                missing.add_error(
                    "Cannot import non-existent remote object",
                    f"There is no {request.type_name} with the id {request.id}.",
                )
                return pb.ImportResourceState.Response(diagnostics=missing.to_pb())
            imported = pb.ImportResourceState.ImportedResource(
                type_name=request.type_name, state=wire.encode(state)
            )
            return pb.ImportResourceState.Response(imported_resources=[imported])

        return _guarded(pb.ImportResourceState.Response, adopt)

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Read one data source."""
        del context

        def read() -> Any:
            attributes = self._schemas.data_source(request.type_name)
            config = wire.decode(request.config)
            state = data.read(request.type_name, attributes, config, self._backend)
            return pb.ReadDataSource.Response(state=wire.encode(state))

        return _guarded(pb.ReadDataSource.Response, read)

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Acknowledge; the process ends by itself."""
        del request, context
        return pb.StopProvider.Response()

    def _resource(self, type_name: str) -> Resource:
        assert self._backend is not None, "Terraform configures a provider before it uses it"
        return Resource(type_name, self._schemas.resource(type_name), self._backend)


def _faults(attributes: schemas.Attributes, config: Mapping[str, Any]) -> Any:
    found = Diagnostics()
    for path, sentence in planning.faults(attributes, config):
        found.add_error("Invalid attribute value", sentence, list(path))
    return found


def _guarded(response: Callable[..., _Answer], act: Callable[[], _Answer]) -> _Answer:
    """Turn an expected failure into a diagnostic, which is how Terraform shows it to people."""
    try:
        return act()
    except TrimtabError as error:
        failed = Diagnostics()
        failed.add_error(error.message, error.hint)
        return response(diagnostics=failed.to_pb())
