"""What brings samples in: producers for trio and for ordinary programs."""

from ingest.blocking import BlockingProducer, connect
from ingest.credentials import TokenFile
from ingest.producer import CannotConnect, Producer, ProducerClosed, open_producer
from ingest.samples import SampleError
from ingest.statistics import ProducerStatistics

__all__ = [
    "BlockingProducer",
    "CannotConnect",
    "Producer",
    "ProducerClosed",
    "ProducerStatistics",
    "SampleError",
    "TokenFile",
    "connect",
    "open_producer",
]
