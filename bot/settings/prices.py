"""Prices in `trimtab.yaml`: what the team pays, as typed settings."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import Field

from bot.documents.validation import Strict
from bot.domain.money import Money
from bot.domain.prices import BillingClass, CapacityPrice, ComputePrice, PriceBook, VolumePrice

_BY_BYTES: Final = {
    BillingClass.DATABASE: (
        "bigquery clickhouse cockroachdb db2 mongodb mongodb-v2 mssql mysql oracle postgres "
        "redshift snowflake"
    ),
    BillingClass.FILE: (
        "azure-blob-storage file gcs google-drive google-sheets microsoft-onedrive "
        "microsoft-sharepoint s3 sftp sftp-bulk"
    ),
}
"""Connectors that Airbyte's registry lists as databases and files; all others are by row."""
_BILLING: Final = {name: kind for kind, names in _BY_BYTES.items() for name in names.split()}


class PriceSettings(Strict):
    """What a team pays; what is not given is not paid for.

    `billing` says how Airbyte meters a connector where our table is wrong or does not know it:
    `{our-own-database: database}`.
    """

    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    credit: Decimal | None = Field(None, gt=0, description="one Airbyte Cloud credit")
    credits_per_million_rows: Decimal = Field(Decimal(6), ge=0)
    credits_per_gigabyte: Decimal = Field(Decimal(4), ge=0)
    data_worker_hour: Decimal | None = Field(None, gt=0, description="capacity plans")
    cpu_hour: Decimal | None = Field(None, gt=0, description="self-managed: one CPU for an hour")
    billing: dict[str, BillingClass] = Field(default_factory=dict)

    def book(self) -> PriceBook:
        """Return the domain's price book."""
        book = PriceBook(currency=self.currency, billing=_BILLING | self.billing)
        if self.credit is not None:
            rows, size = self.credits_per_million_rows, self.credits_per_gigabyte
            book = replace(book, volume=VolumePrice(self._money(self.credit), rows, size))
        if self.data_worker_hour is not None:
            book = replace(book, capacity=CapacityPrice(self._money(self.data_worker_hour)))
        if self.cpu_hour is not None:
            book = replace(book, compute=ComputePrice(self._money(self.cpu_hour)))
        return book

    def _money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)
