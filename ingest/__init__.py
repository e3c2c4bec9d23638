"""What brings samples in: producers for trio and for ordinary programs."""

from ingest.blocking import BlockingProducer, connect
from ingest.producer import CannotConnect, Producer, ProducerClosed, ProducerStatistics, open_producer
from ingest.samples import SampleError

__all__ = [
    "BlockingProducer",
    "CannotConnect",
    "Producer",
    "ProducerClosed",
    "ProducerStatistics",
    "SampleError",
    "connect",
    "open_producer",
]
