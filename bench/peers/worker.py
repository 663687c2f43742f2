"""A process that holds a peer's models and answers one question a line, JSON both ways.

Between questions it is stopped by a signal: whatever threads of its own it spins, they cannot slow the next one measured.
"""
import atexit
import json
import signal
import subprocess
import tempfile

from program import Failure, peer_environment


class Worker:
    def __init__(self, command, threads):
        self.name = " ".join(str(part) for part in command[:2])
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, env=peer_environment(threads))
        atexit.register(self.close)  # a stopped process would outlive us
        self.ask({})  # answered once its models are there

    def ask(self, question):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # its end shows in the empty answer
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure(f"{self.name} ended: {self.last_words()}")
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def last_words(self):
        self.process.wait()
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()[-2000:] or f"exit code {self.process.returncode}"

    def close(self):
        self.process.kill()
        self.process.wait()
