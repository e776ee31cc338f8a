//! Arithmetic.

use super::{MANY, Native};
use crate::expression::convert::{to_integer, to_number};
use crate::expression::decimal::{Decimal, Rounding};
use crate::expression::error::{Result, fail};
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("abs", "number", (1, 1), abs, "The number without its sign.", &[("@(abs(-10))", "10")]),
    Native::new(
        "round",
        "number [, places]",
        (1, 2),
        round,
        "The number rounded to the nearest, half away from zero; negative places round tens, hundreds and so on.",
        &[("@(round(12.5))", "13"), ("@(round(12.141, 2))", "12.14"), ("@(round(1250, -2))", "1300")],
    ),
    Native::new(
        "round_up",
        "number [, places]",
        (1, 2),
        round_up,
        "The number rounded towards plus infinity.",
        &[("@(round_up(12.141, 2))", "12.15")],
    ),
    Native::new(
        "round_down",
        "number [, places]",
        (1, 2),
        round_down,
        "The number rounded towards minus infinity.",
        &[("@(round_down(12.6))", "12")],
    ),
    Native::new("max", "numbers...", (1, MANY), max, "The largest of the numbers.", &[("@(max(1, -1, 10))", "10")]),
    Native::new("min", "numbers...", (1, MANY), min, "The smallest of the numbers.", &[("@(min(2, 2, -10))", "-10")]),
    Native::new("mean", "numbers...", (1, MANY), mean, "The average of the numbers.", &[("@(mean(1, 2, 6))", "3")]),
    Native::new(
        "mod",
        "dividend, divisor",
        (2, 2),
        modulo,
        "The remainder of dividing, with the sign of the dividend.",
        &[("@(mod(-5, 3))", "-2")],
    ),
    Native::new("rand", "", (0, 0), rand, "A random number from 0 up to 1.", &[]),
    Native::new(
        "rand_between",
        "from, to",
        (2, 2),
        rand_between,
        "A random whole number between two, both included.",
        &[],
    ),
];

fn abs(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_number(&args[0])?.abs().into())
}

fn rounded(args: &[Value], how: Rounding) -> Result<Value> {
    let number = to_number(&args[0])?;
    let places = args.get(1).map_or(Ok(0), to_integer)?;
    Ok(number.round(places, how).into())
}

fn round(_: &mut Scope, args: &[Value]) -> Result<Value> {
    rounded(args, Rounding::HalfUp)
}

fn round_up(_: &mut Scope, args: &[Value]) -> Result<Value> {
    rounded(args, Rounding::Ceiling)
}

fn round_down(_: &mut Scope, args: &[Value]) -> Result<Value> {
    rounded(args, Rounding::Floor)
}

fn numbers(args: &[Value]) -> Result<Vec<Decimal>> {
    args.iter().map(to_number).collect()
}

fn max(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(numbers(args)?.into_iter().max().into())
}

fn min(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(numbers(args)?.into_iter().min().into())
}

fn mean(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let sum = numbers(args)?.into_iter().try_fold(Decimal::ZERO, Decimal::try_add)?;
    Ok(sum.try_div(args.len().into())?.into())
}

fn modulo(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_number(&args[0])?.try_rem(to_number(&args[1])?)?.into())
}

fn rand(scope: &mut Scope, _: &[Value]) -> Result<Value> {
    Ok(Decimal::from_f64((scope.random)(), 15)?.into())
}

fn rand_between(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (from, to) = (to_number(&args[0])?, to_number(&args[1])?);
    let span = to.try_sub(from)?.try_add(Decimal::ONE)?;
    let Some(span) = span.to_i64().filter(|span| *span > 0) else {
        fail!("must be called with two numbers in ascending order");
    };
    let offset = ((scope.random)() * span as f64) as i64;
    Ok(from.try_add(offset.clamp(0, span - 1).into())?.into())
}
