"""The front door: command line, configuration, the pipeline, the service and the demo; the only room that knows all."""

__version__ = "0.1.0"
