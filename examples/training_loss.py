import random
import time

from ingest import connect

with connect("ws://127.0.0.1:8765") as producer:
    loss = 2.0
    for _ in range(600):
        loss *= random.uniform(0.98, 1.01)
        producer.send("training.loss", loss, run="first")
        time.sleep(0.1)
