"""Expressions from files: which are understood, what Spark is given for them, and that nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.expressions import compile_condition, compile_expression
from headrace.patterns import pattern_mistake

COLUMNS = {
    "count": "integer",
    "ratio": "number",
    "price": "decimal",
    "name": "string",
    "at": "timestamp",
    "day": "date",
    "open": "boolean",
    "from_hour": "time",
    "address": "object",
    "address.zip": "string",
    "address.geo": "object",
    "address.geo.lat": "number",
    "address.geo.at": "object",
    "address.geo.at.alt": "integer",
    "tags": "array",
}


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("count > 15", "(`count` > 15)"),
        ("count == 1", "(`count` = 1)"),
        ("count != 1", "(`count` <> 1)"),
        ("count <=> NULL", "(`count` <=> NULL)"),
        ("name = 'it''s'", None),
        (r"name = 'it\'s'", r"(`name` = 'it\'s')"),
        ('name = "x"', "(`name` = 'x')"),
        ("(name = 'a') = (count IS NOT NULL)", "((`name` = 'a') = (NOT (`count` IS NULL)))"),
        ("count IS NULL OR count <= 720", "((`count` IS NULL) OR (`count` <= 720))"),
        ("NOT open AND open IS TRUE", "((NOT `open`) AND (`open` IS TRUE))"),
        ("count IN (1, 2)", "(`count` IN (1, 2))"),
        ("name NOT IN ('a')", "(NOT (`name` IN ('a')))"),
        ("count BETWEEN 1 AND 2", "(`count` BETWEEN 1 AND 2)"),
        ("name LIKE 'a%'", "(`name` LIKE 'a%')"),
        ("name NOT LIKE 'a_'", "(`name` NOT LIKE 'a_')"),
        (r"name RLIKE '^\\d+$'", r"(`name` RLIKE '^\\d+$')"),
        ("count + 1 - 2", "try_subtract(try_add(`count`, 1), 2)"),
        ("count * 2 / 3 % 4", "try_mod(try_divide(try_multiply(`count`, 2), 3), 4)"),
        ("-count", "try_subtract(0, `count`)"),
        ("-1.5", "(-1.5D)"),
        ("1e3", "1000.0D"),
        ("abs(ratio)", "if((`ratio` < 0), try_subtract(0, `ratio`), `ratio`)"),
        ("round(ratio, 2)", "round(`ratio`, 2)"),
        ("coalesce(count, price, 0)", "coalesce(`count`, `price`, 0)"),
        ("greatest(count, 1)", "greatest(`count`, 1)"),
        ("least(at, day)", "least(`at`, `day`)"),
        ("nullif(count, 0)", "nullif(`count`, 0)"),
        ("length(trim(lower(upper(name))))", "length(trim(lower(upper(`name`))))"),
        ("if(open, 1, 2)", "if(`open`, 1, 2)"),
        ("CASE WHEN open THEN 1 END", "(CASE WHEN (`open`) THEN 1 ELSE NULL END)"),
        ("CASE count WHEN 1 THEN 'a' ELSE 'b' END", "(CASE WHEN (`count` = 1) THEN 'a' ELSE 'b' END)"),
        ("cast(name AS INT)", "try_cast(`name` AS INT)"),
        (
            "cast(name AS DATE)",
            "array_max(filter(array(try_cast(`name` AS DATE)), "
            "day -> day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'))",
        ),
        ("name::double", "try_cast(`name` AS DOUBLE)"),
        ("try_cast(name AS DECIMAL(10, 2))", "try_cast(`name` AS DECIMAL(10, 2))"),
        ("at > TIMESTAMP '2026-01-31T00:00:00Z'", "(`at` > try_cast('2026-01-31T00:00:00Z' AS TIMESTAMP))"),
        ("day >= DATE '2026-01-31'", "(`day` >= try_cast('2026-01-31' AS DATE))"),
        ("count /* a comment */ > 1 -- another", "(`count` > 1)"),
        ("`count` > 1", "(`count` > 1)"),
        ("NULL", "NULL"),
        ("from_hour < '12:00:00'", "(`from_hour` < '12:00:00')"),
        ("address.zip = '01234'", "(`address`.`zip` = '01234')"),
        ("`address`.`geo`.lat > 0", "(`address`.`geo`.`lat` > 0)"),
        ("address.geo.at.alt + 1", "try_add(`address`.`geo`.`at`.`alt`, 1)"),
    ],
)
def test_allowed(text: str, sql: str | None) -> None:
    if sql is None:
        with pytest.raises(ValueError, match="concat"):
            compile_expression(text, COLUMNS)
    else:
        assert compile_expression(text, COLUMNS) == sql


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("count >", "is no expression of Spark SQL"),
        ("count > 1; DROP TABLE t", "is no expression of Spark SQL"),
        ("count > 1; open", "BLOCK is not allowed"),
        ("DROP TABLE signals", "is no expression of Spark SQL"),
        ("SELECT 1", "is no expression of Spark SQL"),
        ("(SELECT 1)", "SUBQUERY is not allowed"),
        ("count IN (SELECT 1)", "QUERY is not allowed in IN"),
        ("count IN ()", "IN takes at least one value"),
        ("EXISTS (SELECT 1)", "function exists is not allowed"),
        ("java_method('java.lang.Runtime', 'exit')", "function java_method is not allowed"),
        ("reflect('java.lang.System', 'exit', 0)", "function reflect is not allowed"),
        ("try_reflect('a', 'b')", "function try_reflect is not allowed"),
        ("input_file_name()", "function input_file_name is not allowed"),
        ("rand() > 0.5", "function rand is not allowed"),
        ("current_timestamp() > at", "function current_timestamp is not allowed"),
        ("current_user() = name", "function current_user is not allowed"),
        ("count(*) > 1", "function count is not allowed"),
        ("sum(count) OVER () > 1", "WINDOW is not allowed"),
        ("explode(array(1))", "function explode is not allowed"),
        ("raise_error('x')", "function raise_error is not allowed"),
        ("assert_true(open)", "function assert_true is not allowed"),
        ("from_json(name, 'a INT')", "function from_json is not allowed"),
        ("secret('a', 'b')", "function secret is not allowed"),
        ("a.count > 1", "field a.count does not exist"),
        ("address.zap = 'x'", "field address.zap does not exist; did you mean 'address.zip'?"),
        ("`address.zip` = 'x'", "field address.zip does not exist"),
        ("address IS NULL", "field address holds several values: name one of them, as address.zip"),
        ("tags IS NULL", "field tags holds several values, and those of an array have no name"),
        ("tags[0] = 'x'", "BRACKET is not allowed"),
        ("address.zip > 1", "comparing with > mixes number and text"),
        ("address.* IS NULL", "* is not allowed"),
        ("count[0]", "BRACKET is not allowed"),
        ("*", "STAR is not allowed"),
        ("${count} > 1", "PARAMETER is not allowed"),
        ("@count > 1", "PARAMETER is not allowed"),
        (":count > 1", "PLACEHOLDER is not allowed"),
        ("? > 1", "PLACEHOLDER is not allowed"),
        ("{{ count }} > 1", "PLACEHOLDER is not allowed"),
        ("x'00' = name", "HEXSTRING is not allowed"),
        ("name || name", "DPIPE is not allowed"),
        ("at + INTERVAL 1 DAY > at", "INTERVAL is not allowed"),
        ("name COLLATE x = 'a'", "function collate is not allowed"),
        ("name LIKE name", "the pattern of LIKE must be a literal text"),
        (r"name LIKE 'a\\'", r"in a LIKE pattern \ stands before %, _ or \ only"),
        ("name RLIKE name", "the pattern of RLIKE must be a literal text"),
        ("name RLIKE '(a+)+'", "pattern '(a+)+' has a repetition inside a repetition"),
        ("trim('x' FROM name)", "trim takes one text"),
        ("ltrim(name)", "POSITION is not allowed in function trim"),
        ("round(ratio, -1)", "round takes 0 to 18 decimals"),
        ("1e999 > ratio", "number 1e999 is out of range"),
        ("1234567890123456789 > count", "number 1234567890123456789 is out of range"),
        ("cast(name AS ARRAY<INT>)", "a cast to ARRAY"),
        ("cast(name AS BINARY)", "a cast to BINARY"),
        ("cast(name AS DECIMAL(39, 2))", "a decimal has 38 digits at most"),
        ("cast(day AS INT)", "a time cannot be cast to INT"),
        ("at > TIMESTAMP 'yesterday'", "'yesterday' is no TIMESTAMP"),
        ("missing > 1", "field missing does not exist"),
        ("Count > 1", "field Count does not exist; did you mean 'count'?"),
        ("count > '5'", "comparing with > mixes number and text"),
        ("at > '2026-01-31'", "comparing with > mixes text and time"),
        ("name + 1", "add takes a number, not a text: `name`"),
        ("count AND open", "AND takes a condition, not a number: `count`"),
        ("coalesce(count, name)", "coalesce mixes number and text"),
        ("CASE WHEN NULL THEN 1 END", "WHEN takes a condition, not NULL"),
        ("count IN (1" + ",1" * 600 + ")", "has more than 500 parts"),
        ("(" * 100 + "count" + ")" * 100, "nests more than 60 deep"),
        ("NOT " * 100 + "open", "nests more than 60 deep"),
        ("count > 1" + " " * 2_000, "is longer than 2000 characters"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_expression(text, COLUMNS)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from > 3", "`from`"),
        ("select.from > 3", "`select`"),
        ("from > 3 AND having = 'having'", "`from`, `having`"),
        ("`from` > 3 AND having = 'x'", "`having`"),
        ("CASE WHEN case > 3 THEN TRUE END", None),
        ("from > > 3", None),
        ("current_date > 3", "`current_date`"),
    ],
)
def test_a_field_called_like_a_word_of_sql(text: str, words: str | None) -> None:
    columns = dict.fromkeys(("from", "select.from", "current_date", "order"), "integer")
    columns |= {"having": "string", "select": "object"}
    with pytest.raises(ValueError) as caught:
        compile_condition(text, columns)

    advice = f": a field called like a word of SQL stands in backticks: {words}, and the whole text in quotes"
    assert str(caught.value).endswith(advice if words else "is no expression of Spark SQL")
    assert compile_condition("`from` > 3 AND order < 1", columns) == "((`from` > 3) AND (`order` < 1))"
    assert compile_condition("`select`.from > 3", columns) == "(`select`.`from` > 3)"


def test_a_condition_is_true_or_false() -> None:
    assert compile_condition("count > 1", COLUMNS) == "(`count` > 1)"
    with pytest.raises(ValueError, match=r"is a number, where a condition \(true or false\) is due"):
        compile_condition("count", COLUMNS)


def test_a_name_cannot_leave_its_quotes() -> None:
    assert compile_expression("`a``b` > 1", {"a`b": "integer"}) == "(`a``b` > 1)"


SIGNS = "( ) , 'x' ' 1 1.5 + - * / % = < > :: [ ] . ; -- /* */ ` \\ $ {"
KEYWORDS = "AND OR NOT IN CASE WHEN THEN ELSE END IS NULL LIKE RLIKE BETWEEN CAST AS INT SELECT DATE"
FUNCTIONS = "abs if coalesce trim round"
words = st.sampled_from([*COLUMNS, *SIGNS.split(), *KEYWORDS.split(), *FUNCTIONS.split()])


@given(st.one_of(st.text(max_size=80), st.lists(words, max_size=14).map(" ".join)))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        sql = compile_expression(text, COLUMNS)
    except ValueError:
        return
    assert compile_expression(text, COLUMNS) == sql


@given(st.text(max_size=30))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    try:
        sql = compile_expression(f"'{quoted}'", {})
    except ValueError:
        return
    body = sql[1:-1]
    assert "'" not in body.replace("\\\\", "").replace("\\'", "")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{4}-\d{2}-\d{2}",
        r"[A-Z0-9]{2}\d{1,4}",
        r"\p{L}+",
        r"[\p{L}\-]{2,}",
        r"(?:a|b)?c",
        r"(?i)ab",
        r"\\1",
        r"[^\]]",
        r"\{x\}",
        r"([a-z]{1,3}){1,5}",
    ],
)
def test_patterns_that_are_safe(pattern: str) -> None:
    assert pattern_mistake(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*", "((ab)+)+", "(.*a){20}", "(a|b+)*", "(?P<n>a)", "(?(1)a|b)", "(?#c)a", "(?u)a", r"(a)\1",
        r"a\Z", r"\Qa\E", "a{,3}", "a{", "[a&&b]", "[[a]]", "[]a]", r"\d{2000}", "(a", "a**", "[", r"\p{Foo}",
        "a" * 501, "(((a{0,10}){0,10}){0,10}){0,10}b", "((a?b?){0,10}c?){0,10}", "(a{0,10}){0,10}b", "(a+b?){9}",
    ],
)  # fmt: skip
def test_patterns_that_are_not(pattern: str) -> None:
    assert pattern_mistake(pattern)


@given(st.text(alphabet="ab()[]{}*+?|\\,1^$.-&pPL<>=!:#", max_size=25))
def test_any_pattern_is_judged(pattern: str) -> None:
    assert pattern_mistake(pattern) is None or isinstance(pattern_mistake(pattern), str)
