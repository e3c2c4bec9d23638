"""The shortest program: a training loop says how it goes. Ctrl-C ends it; what was sent arrives all the same."""

import random
import sys
import time

from ingest import connect

with connect(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765") as producer:
    loss = 2.0
    for _ in range(600):
        loss *= random.uniform(0.98, 1.01)
        producer.send("training.loss", loss, run="first")
        producer.send("training.speed", random.gauss(900, 30), unit="1/s", run="first")
        time.sleep(0.1)
