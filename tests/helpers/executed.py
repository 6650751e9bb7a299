"""What a run would leave, made in a blink: executed notebooks, results of a hundred methods."""

import base64
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
from ruamel.yaml import YAML

from neft import figures

ROOT = Path(__file__).parents[2]
SOURCES = {
    "variation": "1_variation",
    "training-noise_free": "2_training",
    "montecarlo-noise_free": "3_montecarlo",
    "training-ovf": "2_training",
    "montecarlo-ovf": "3_montecarlo",
    "results": "4_results",
    "mapping": "studies/mapping",
}


def executed(folder: Path) -> list[Path]:
    """Write notebooks whose plotting cells have two figures each, and whose others a wide table."""
    table = pd.read_csv(ROOT / "metrics" / "results" / "results.csv")
    text = {"text/html": table._repr_html_(), "text/plain": repr(table)}
    pictures = [_picture(table, width) for width in (3.5, 16)]
    for name, source in SOURCES.items():
        notebook = nbformat.read(ROOT / "notebooks" / f"{source}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code" and "import" not in cell.source:
                plots = "plot" in cell.source
                made = [{"image/png": picture} for picture in pictures] if plots else [text]
                cell.outputs = [nbformat.v4.new_output("display_data", data=one) for one in made]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return [folder / f"{name}.ipynb" for name in SOURCES]


def _picture(table: pd.DataFrame, width: float) -> str:
    ax = figures.plot_accuracy_vs_sigma(table, ax=plt.subplots(figsize=(width, 3))[1])
    buffer = BytesIO()
    ax.figure.savefig(buffer, format="png")
    plt.close(ax.figure)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def hundred(metrics: Path) -> Path:
    """Write the results of a hundred methods and a parameter file with them; return the latter."""
    own = ROOT / "metrics" / "results"
    (metrics / "results").mkdir(parents=True)
    names = [f"own{i}" for i in range(100)]
    one = pd.read_csv(own / "results.csv").query("method == 'ovf'")
    made = pd.concat(one.assign(method=name, accuracy=i / 100) for i, name in enumerate(names))
    made.to_csv(metrics / "results" / "results.csv", index=False)
    pair = pd.read_csv(own / "differences.csv").query("method == 'ovf'").head(len(one))
    pairs = pd.concat(pair.assign(method=name, against=names[-1]) for name in names[:-1])
    pairs.to_csv(metrics / "results" / "differences.csv", index=False)
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    values["methods"], values["studies"] = {name: {"method": "noise_free"} for name in names}, {}
    YAML().dump(values, params := metrics / "params.yaml")
    return params
