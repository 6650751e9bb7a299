"""Run all tests of bad inputs and disturbed runs, and print how many there are of each kind.

python tests/campaign/campaign.py      # make campaign
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

TESTS = Path(__file__).parents[1]
KINDS = {
    "parameter files": [
        "pipeline/test_parameter_files.py",
        "pipeline/test_parameters.py",
        "pipeline/test_run.py",
    ],
    "settings of methods and networks": [
        "training/test_refused_settings.py",
        "training/test_own_methods.py",
        "training/test_points.py",
    ],
    "tables of reads": ["characterize/test_malformed_reads.py"],
    "level and comparison tables": ["characterize/test_comparison_tables.py"],
    "device and hardware files": ["devices/test_variation.py", "chip/test_hardware.py"],
    "layers and converters": ["chip/test_refused_layers.py", "chip/test_refused_converters.py"],
    "networks' files": ["_utils/test_checkpoints.py", "evaluation/test_trained.py"],
    "images and data sets": [
        "data/test_official_files.py",
        "data/test_own_images.py",
        "data/test_download.py",
    ],
    "files and commands": [
        "_utils/test_files.py",
        "_utils/test_commands.py",
        "pipeline/test_check.py",
        "test_command_line.py",
        "characterize/test_command.py",
    ],
    "notebooks, processes, workers": [
        "pipeline/test_notebook.py",
        "_utils/test_orphans.py",
        "_utils/test_cluster.py",
    ],
    "kills, full disks, runs at once": ["campaign/test_disturbed_runs.py"],
}


def main() -> None:
    """Run each kind's tests; exit 1 if one failed."""
    rows, failed = [], 0
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = [str(TESTS / file) for group in KINDS.values() for file in group]
        command = [sys.executable, "-m", "pytest", "-m", "", f"--junitxml={report}", *files]
        subprocess.run(command, check=False)
        cases = ElementTree.parse(report).iter("testcase")
        ended = Counter(
            (case.attrib["classname"], not {"failure", "error"}.isdisjoint(c.tag for c in case))
            for case in cases
        )
    for kind, files in KINDS.items():
        names = [f"tests.{file.removesuffix('.py').replace('/', '.')}" for file in files]
        passed, bad = (sum(ended[name, state] for name in names) for state in (False, True))
        rows.append(f"| {kind} | {passed + bad} | {passed} |")
        failed += bad
    total = sum(ended.values())
    print("| kind | cases | passed |\n|---|---|---|")
    print("\n".join([*rows, f"| all | {total} | {total - failed} |"]))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
