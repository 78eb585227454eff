"""What every driver of a client hands back: which methods there are, which were not called, and what was wrong."""

import functools
import json


class Report:
    """Collects checks; a failing one is noted and the run goes on, so that one run shows everything."""

    def __init__(self, client):
        self.client = client
        self.methods = set()
        self.called = set()
        self.checks = 0
        self.failures = []

    def equal(self, what, got, wanted):
        self.checks += 1
        if got != wanted:
            self.failures.append(f"{what}: got {got!r}, wanted {wanted!r}")

    def true(self, what, got):
        self.checks += 1
        if not got:
            self.failures.append(f"{what}: got {got!r}")

    def refused(self, what, status, code, call):
        """`call` must end in the client's registry error with this HTTP status and error code."""
        from confluent_kafka.schema_registry import SchemaRegistryError

        self.checks += 1
        try:
            self.failures.append(f"{what}: got {call()!r}, wanted error {code}")
        except SchemaRegistryError as error:
            if (error.http_status_code, error.error_code) != (status, code):
                self.failures.append(f"{what}: got error {error}, wanted {code} with status {status}")
            elif not error.error_message:
                self.failures.append(f"{what}: error {code} without a message")

    def step(self, function):
        """Runs one part of a scenario; an exception fails that part alone."""
        try:
            function()
        except Exception as error:  # noqa: BLE001 - whatever a client throws is a finding
            self.failures.append(f"{function.__name__}: {type(error).__name__}: {error}")

    def print(self):
        uncalled = sorted(self.methods - self.called)
        answer = {"client": self.client, "methods": sorted(self.methods), "uncalled": uncalled}
        print(json.dumps({**answer, "checks": self.checks, "failures": self.failures}), flush=True)


class Recorder:
    """A client that writes down which of its public methods are called, and forgets what it knows before each.

    Clients cache answers, so without that a second look would not reach the server. `finish` turns what a method
    returns into a value (for clients whose methods are coroutines).
    """

    def __init__(self, client, report, finish=lambda value: value):
        self._client, self._report, self._finish = client, report, finish
        cls = type(client)
        report.methods |= {name for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name))}

    def __getattr__(self, name):
        method = getattr(self._client, name)

        @functools.wraps(method)
        def call(*arguments, **named):
            self._report.called.add(name)
            if name not in ("close", "aclose"):
                self._finish(self._client.clear_caches())
            return self._finish(method(*arguments, **named))

        return call
