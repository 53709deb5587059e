"""What does the service count for Prometheus?"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one service; their names begin with `multitask_`."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "multitask_requests",
            "Requests by path and status of HTTP",
            ["path", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "multitask_request_seconds",
            "Seconds from the headers of a request to the end of its response",
            ["path"],
            registry=registry,
        )
        self.in_progress = Gauge(
            "multitask_requests_in_progress",
            "Requests that are read, wait or are answered",
            registry=registry,
        )
        self.pictures = Counter(
            "multitask_pictures",
            "Pictures by what became of them",
            ["status"],
            registry=registry,
        )
        self.faces = Counter(
            "multitask_faces", "Faces or whole pictures answered", registry=registry
        )
        self.batch_faces = Histogram(
            "multitask_batch_faces",
            "Faces or whole pictures in a batch",
            buckets=_SIZES,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "multitask_batch_seconds",
            "Seconds that the network takes for a batch",
            registry=registry,
        )
        self.cut_seconds = Histogram(
            "multitask_cut_seconds",
            "Seconds to decode a picture and find its faces",
            registry=registry,
        )
        for status in ("ok", "no face", "refused"):
            self.pictures.labels(status)  # a counter that is 0 is shown, too

    def batch(self, faces: int, seconds: float) -> None:
        """Count a batch of so many faces, which took so many seconds."""
        self.batch_faces.observe(faces)
        self.batch_seconds.observe(seconds)

    def text(self) -> bytes:
        """All of them in the text format of Prometheus."""
        return generate_latest(self._registry)
