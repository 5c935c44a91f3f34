# SPDX-License-Identifier: Apache-2.0
"""Which points no other point beats, and a picture of them."""
import os

import numpy as np

from .._core import InvalidArgument

#: column: 1 when less is better, -1 when more is
OBJECTIVES = {"latency_ms": 1, "accuracy": -1, "watts": 1, "area_mm2": 1}
AXES = {"latency_ms": "latency, ms (modelled)", "accuracy": "accuracy, % (measured)", "watts": "power, W (modelled)",
        "area_mm2": "area, mm² at 16 nm (published)", "mean_error": "relative error (measured)", "energy_mj": "energy, mJ (modelled)"}
SIGNS = {**OBJECTIVES, "agreement": -1, "mean_error": 1, "worst_error": 1, "energy_mj": 1, "dram_bytes": 1, "engine_bytes": 1}


def _done(table):
    return [row for row in table.to_pylist() if row["status"] == "done"]


def known_objectives(table):
    """Those of OBJECTIVES that every evaluated point has a value for; the error stands in for an accuracy that nobody has."""
    rows = _done(table)
    wanted = list(OBJECTIVES)
    if all(row["accuracy"] is None for row in rows):
        wanted[wanted.index("accuracy")] = "mean_error"
    return [name for name in wanted if rows and all(row[name] is not None for row in rows)]


def pareto(table, objectives=None):
    """The rows of a sweep's table that no other beats: none is at least as good in every objective and better in one.

    objectives: names of columns; None: latency, accuracy, watts and area, as far as every point has them.
    Returns a pyarrow.Table.
    """
    names = list(objectives) if objectives is not None else known_objectives(table)
    for name in names:
        if name not in SIGNS:
            raise InvalidArgument(f"objective {name!r}: there are {', '.join(SIGNS)}")
    rows = table.to_pylist()
    # A point that lacks a value is not compared.
    chosen = [i for i, row in enumerate(rows) if row["status"] == "done" and all(row[name] is not None for name in names)]
    if not chosen or not names:
        return table.slice(0, 0)
    costs = np.array([[SIGNS[name] * rows[i][name] for name in names] for i in chosen])
    front = [i for i, cost in zip(chosen, costs)
             if not np.any(np.all(costs <= cost, axis=1) & np.any(costs < cost, axis=1))]
    return table.take(front)


def _text(row):
    parts = [os.path.basename(row["model"]), row["device"], f"{row['precision']} {row['calibrator']}".strip(), f"memory {row['memory']}"]
    parts += [f"{AXES[name]}: {row[name]:.4g}" for name in AXES if row[name] is not None]
    return "<br>".join(parts)


def _scatter(graph, rows, name, x, y, **marker):
    return graph.Scatter(x=[row[x] for row in rows], y=[row[y] for row in rows], mode="markers", name=name, hoverinfo="text",
                         hovertext=[_text(row) for row in rows], marker=marker)


def plot(table, path):
    """One HTML page that opens offline: latency against accuracy (power where no accuracy is known), size by area, and all objectives of
    the points side by side. The Pareto front is marked."""
    import plotly.graph_objects as graph
    from plotly.subplots import make_subplots
    rows = _done(table)
    if not rows:
        raise InvalidArgument("no point of the sweep is done")
    names = known_objectives(table)
    x, y = "latency_ms", next((name for name in ("accuracy", "mean_error", "watts") if name in names), "energy_mj")
    front = pareto(table, names).to_pylist()
    largest = max((row["area_mm2"] or 0 for row in rows), default=0)
    figure = make_subplots(rows=2, cols=1, specs=[[{"type": "xy"}], [{"type": "domain"}]], vertical_spacing=0.16, row_heights=[0.6, 0.4])
    for device in sorted({row["device"] for row in rows}):
        mine = [row for row in rows if row["device"] == device]
        sizes = [8 + 14 * (row["area_mm2"] or 0) / largest if largest else 10 for row in mine]
        figure.add_trace(_scatter(graph, mine, device, x, y, size=sizes), row=1, col=1)
    figure.add_trace(_scatter(graph, front, "Pareto front", x, y, size=18, symbol="circle-open", color="black", line={"width": 2}), row=1, col=1)
    figure.update_xaxes(title=AXES[x], type="log", row=1, col=1)
    figure.update_yaxes(title=AXES[y], row=1, col=1)
    members = {row["id"] for row in front}
    figure.add_trace(graph.Parcoords(
        line={"color": [1 if row["id"] in members else 0 for row in rows], "colorscale": [[0, "#b8b8b8"], [1, "#1f77b4"]], "cmin": 0, "cmax": 1},
        dimensions=[{"label": AXES[name], "values": [row[name] for row in rows]} for name in names]), row=2, col=1)
    figure.update_layout(title=f"{len(rows)} points, {len(front)} of them on the Pareto front of {', '.join(names)}", height=900, margin={"l": 90, "r": 90})
    figure.write_html(path, include_plotlyjs=True, full_html=True)
