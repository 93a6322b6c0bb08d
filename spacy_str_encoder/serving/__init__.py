"""A web service for a pipeline: requests that come together are annotated together, in one thread
of each worker process.
"""

try:
    import fastapi  # noqa: F401
    import prometheus_client  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "the service requires FastAPI, uvicorn and prometheus-client; install them with "
        "pip install 'spacy_str_encoder[serve]'"
    ) from error
