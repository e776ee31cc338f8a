//! Arithmetic.

use super::{MANY, Native};
use crate::expression::convert::{to_integer, to_number};
use crate::expression::decimal::{Decimal, Rounding};
use crate::expression::error::{Result, fail};
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("abs", "number", (1, 1), abs),
    Native::new("round", "number [, places]", (1, 2), round),
    Native::new("round_up", "number [, places]", (1, 2), round_up),
    Native::new("round_down", "number [, places]", (1, 2), round_down),
    Native::new("max", "numbers...", (1, MANY), max),
    Native::new("min", "numbers...", (1, MANY), min),
    Native::new("mean", "numbers...", (1, MANY), mean),
    Native::new("mod", "dividend, divisor", (2, 2), modulo),
    Native::new("rand", "", (0, 0), rand),
    Native::new("rand_between", "from, to", (2, 2), rand_between),
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
