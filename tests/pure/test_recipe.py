"""Two recipes compared: what decides, and exactly which value differs."""

from __future__ import annotations

from dataclasses import replace

from tests.flights import CONF
from tests.pure.test_training import declared

from headrace.flows.project import load
from headrace.flows.reproduce import undeclared
from headrace.models.recipe import Difference, Recipe, compared

RECIPE = Recipe(
    model=declared(parameters={"learning_rate": 0.1, "early_stopping": False, "max_iter": 30}),
    signals={"orders": {"q-1": 4}, "served": {}},
    features={},
    rows="3:12",
    contracts={"orders": "aa", "served": "bb"},
    feature_sets={"kitchen_load": {"fingerprint": "cc", "time_to_live": "2 hours"}},
    code={"headrace": "0.1.0", "commit": None, "dirty": None},
    environment={"python": "3.11.9", "numpy": "2.3.0"},
    metrics={"log_loss": 0.1 + 0.2},
    answers="dd",
)


def test_a_recipe_is_read_back_to_the_last_bit() -> None:
    again = Recipe.model_validate_json(RECIPE.model_dump_json())
    assert again == RECIPE
    assert again.metrics["log_loss"] == 0.30000000000000004
    assert all(part.equal for part in compared(RECIPE, again))


def test_each_part_that_differs_is_named_with_its_values() -> None:
    changed = RECIPE.model_copy(
        update={
            "model": declared(parameters={"learning_rate": 0.1, "early_stopping": False, "max_iter": 60}),
            "rows": "3:13",
            "feature_sets": {"kitchen_load": {"fingerprint": "cc", "time_to_live": "3 hours"}},
            "environment": {"python": "3.11.9", "pandas": "2.3.3"},
            "metrics": {"log_loss": 0.3},
        }
    )
    found = {part.name: part for part in compared(RECIPE, changed)}
    assert [name for name, part in found.items() if part.decides] == ["rows", "metrics", "answers"]
    differing = {name: part.differences for name, part in found.items() if not part.equal}
    assert differing == {
        "rows": (Difference("", "3:12", "3:13"),),
        "feature_sets": (Difference("kitchen_load.time_to_live", "2 hours", "3 hours"),),
        "model": (Difference("training.parameters.max_iter", 30, 60),),
        "environment": (Difference("numpy", "2.3.0", None), Difference("pandas", None, "2.3.3")),
        "metrics": (Difference("log_loss", 0.1 + 0.2, 0.3),),
    }


def test_what_a_recipe_takes_that_is_no_longer_declared_is_named() -> None:
    project = load(CONF, "local", {})
    model = project.written["arrives_late"]
    assert model.training is not None
    recipe = RECIPE.model_copy(update={"model": model})
    assert undeclared(project, recipe) == []
    without = {name: contract for name, contract in project.contracts.items() if name != "arrivals"}
    others = {name: one for name, one in project.feature_sets.items() if name != "airport_weather"}
    assert undeclared(replace(project, contracts=without, feature_sets=others), recipe) == [
        "signal arrivals",
        "feature set airport_weather",
    ]
    part = model.inputs.features[0].model_copy(
        update={"take": ("flights", "median_dep_delay"), "by": {"origin": "gate"}}
    )
    inputs = model.inputs.model_copy(update={"signal": ("origin", "tail"), "features": (part,)})
    training = model.training.model_copy(update={"segments": ("airline",)})
    older = model.model_copy(update={"inputs": inputs, "training": training})
    assert undeclared(project, RECIPE.model_copy(update={"model": older})) == [
        "tail of signal departures",
        "gate of signal departures",
        "airline of signal departures",
        "median_dep_delay of feature set origin_departures",
    ]
