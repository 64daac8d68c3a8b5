"""OpenVINO without its telemetry: `import openvino` reports to a server and writes into the home folder.

It does so from its model converter (`openvino.tools.ovc`), which is imported with the package and not needed
here, through the package `openvino_telemetry`. Both are declared absent before the import, which OpenVINO and
NNCF allow for; this also halves the time that the import takes. Import `ov` and `op` from here, nowhere else.
"""

from __future__ import annotations

import sys

for _module in ("openvino_telemetry", "openvino.tools.ovc"):
    sys.modules.setdefault(_module, None)  # type: ignore[arg-type] # None is the documented way to say "absent"

import openvino as ov  # noqa: E402 (after the lines above)
from openvino import opset13 as op  # noqa: E402

__all__ = ["op", "ov"]
