"""Runs in the linters' own environment: the messages of `deny` in a Rego file, for a plan's JSON on standard input."""

import base64
import json
import sys
from pathlib import Path

from regopy import Interpreter  # type: ignore[import-not-found]

interpreter = Interpreter()
interpreter.add_module("policy", Path(sys.argv[1]).read_text())
interpreter.set_input(json.load(sys.stdin))
# The evaluator does not escape the quotes of strings in its answer.
answer = json.loads(str(interpreter.query("[base64.encode(message) | some message in data.main.deny]")))
print(json.dumps(sorted(base64.b64decode(message).decode() for message in answer["expressions"][0])))
