"""The AIMD loader: native pipelines that find their own write batch size."""
