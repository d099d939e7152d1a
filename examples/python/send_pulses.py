"""Sends pulses by gRPC as a service should: ids made once, kept through every retry, amounts as decimals."""

import argparse
import json
import os
import random
import sys
import time
import uuid
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "generated"))

import grpc
from apura.metering.v1 import pulse_pb2, pulse_service_pb2, pulse_service_pb2_grpc

BATCH_SIZE = 500
CALL_TIMEOUT_S = 10
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 10
# Nothing was taken, and the same again would come to the same.
REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}


def new_id() -> str:
    """A UUIDv7."""
    value = time.time_ns() // 1_000_000 << 80 | random.SystemRandom().getrandbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def new_pulse(tenant: str, sku: str, amount: Decimal) -> pulse_pb2.Pulse:
    pulse = pulse_pb2.Pulse(
        id=new_id(),
        source="example-python",
        tenant=tenant,
        product_sku=sku,
        # A text, so that no digit is lost; never a float.
        used_amount=format(amount, "f"),
        use_unity="call",
        attributes={"language": "python"},
    )
    pulse.occurred_at.GetCurrentTime()
    return pulse


def send(service, token: str, pulses: list) -> list:
    """Sends the same pulses with the same ids until the server says what became of them: each counts
    once, however often it is sent."""
    request = pulse_service_pb2.IngestRequest(pulses=pulses)
    metadata = [("authorization", f"Bearer {token}")]
    pause = RETRY_FIRST_S
    while True:
        try:
            return service.Ingest(request, timeout=CALL_TIMEOUT_S, metadata=metadata).results
        except grpc.RpcError as error:
            if error.code() in REFUSED:
                raise
            print(f"unknown: {error.code()}; sending the same again", file=sys.stderr)
        time.sleep(random.uniform(pause / 2, pause))
        pause = min(2 * pause, RETRY_MAX_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="localhost:8081", help="host:port of the gRPC port")
    parser.add_argument("--tenant", default="", help="empty with an API key of a tenant")
    parser.add_argument("--sku", default="example.python", help="what was consumed")
    parser.add_argument("--count", type=int, default=10, help="how many pulses")
    options = parser.parse_args()

    accepted = rejected = 0
    # Without TLS, for a server on this machine; elsewhere grpc.secure_channel.
    with grpc.insecure_channel(options.target) as channel:
        service = pulse_service_pb2_grpc.PulseServiceStub(channel)
        for start in range(0, options.count, BATCH_SIZE):
            numbers = range(start, min(start + BATCH_SIZE, options.count))
            # 0.1, 0.2, 0.3, …
            amounts = [Decimal(number + 1) / 10 for number in numbers]
            pulses = [new_pulse(options.tenant, options.sku, amount) for amount in amounts]
            for pulse, result in zip(pulses, send(service, os.environ["APURA_TOKEN"], pulses)):
                if result.status == pulse_service_pb2.PULSE_STATUS_ACCEPTED:
                    accepted += 1
                else:
                    rejected += 1
                    print(f"{pulse.id} was rejected: {result.code}", file=sys.stderr)
    print(json.dumps({"accepted": accepted, "rejected": rejected}))


if __name__ == "__main__":
    main()
