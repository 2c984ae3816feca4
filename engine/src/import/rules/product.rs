//! Matrix products and convolutions.
//!
//! The one rule: weights stand on the right as constants of two axes, so that the runtime packs them and sums in one order.

use super::Site;
use crate::graph::tensor::Kind;
use crate::import::builder::{Builder, Operand, Refusal, Value, attribute_int, attribute_ints};

pub(super) fn rewrite(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
) -> Result<Option<Operand>, Refusal> {
    Ok(Some(match site.node.op_type.as_str() {
        "MatMul" => matmul(b, site)?,
        "Gemm" => gemm(b, site)?,
        "Conv" => convolution(b, site)?,
        "Einsum" => einsum(b, site)?,
        _ => return Ok(None),
    }))
}

fn matmul(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let left = site.operand(b, 0)?;
    let right = match site.value(1)? {
        // Axes of length 1 before the matrix mean nothing, and a constant of two axes is packed.
        Value::Stored(stored) if stored.shape().len() > 2 => {
            let (ones, matrix) = stored.shape().split_at(stored.shape().len() - 2);
            match ones.iter().all(|side| *side == 1) && ones.len() + 2 <= left.shape.len() {
                true => b.operand(&Value::Stored(stored.reshaped(matrix.to_vec())))?,
                false => return Err("a constant right operand of more than two axes".into()),
            }
        }
        value => b.operand(value)?,
    };
    b.product(&left, &right)
}

fn gemm(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let (alpha, beta) = (site.float("alpha", 1.0), site.float("beta", 1.0));
    if site.node.int("transA", 0) != 0 || alpha != 1.0 || beta != 1.0 {
        return Err("transA, alpha and beta other than 0, 1, 1".into());
    }
    let turned = site.node.int("transB", 0) != 0;
    let (x, y) = (site.operand(b, 0)?, site.operand(b, 1)?);
    if !y.constant {
        let y = if turned { b.transpose(&y, &[1, 0]) } else { y };
        let product = b.product(&x, &y)?;
        return match site.maybe(2) {
            Some(_) => {
                let bias = site.operand(b, 2)?;
                b.binary("Add", &product, &bias)
            }
            None => Ok(product),
        };
    }
    let (inner, columns) = match turned {
        true => (y.side(1), y.side(2)),
        false => (y.side(2), y.side(1)),
    };
    if x.shape.len() != 2 || y.shape.len() != 2 || x.side(1) != inner {
        return Err(format!("{:?} and {:?} do not multiply", x.shape, y.shape));
    }
    let shape = vec![x.shape[0], columns];
    let attributes = vec![attribute_int("transB", i64::from(turned))];
    Ok(match site.maybe(2) {
        Some(_) => {
            let bias = site.operand(b, 2)?;
            b.node("Gemm", &[&x, &y, &bias], attributes, shape)
        }
        None => b.node("Gemm", &[&x, &y], attributes, shape),
    })
}

/// No number of a convolution's attributes is larger.
const LARGEST: i64 = 1 << 20;

/// Every number of a convolution's attributes, with its usual value.
struct Window {
    kernel: Vec<usize>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
}

impl Window {
    fn of(site: &Site<'_>, weight: &[usize], input: &[usize]) -> Result<Self, Refusal> {
        let kernel = weight.get(2..).unwrap_or(&[]).to_vec();
        let places = kernel.len();
        if input.len() != places + 2 || places == 0 {
            return Err(format!("an input of {} axes", input.len()));
        }
        let list = |name: &str, usual: i64, count: usize| match site.node.ints(name) {
            [] => Ok(vec![usual; count]),
            found if found.len() == count => Ok(found.to_vec()),
            found => Err(format!("{name} is {found:?}")),
        };
        let mut window = Self {
            strides: list("strides", 1, places)?,
            dilations: list("dilations", 1, places)?,
            pads: list("pads", 0, places * 2)?,
            kernel,
        };
        let sane = |value: &i64| (-LARGEST..=LARGEST).contains(value);
        let all = [&window.strides, &window.dilations, &window.pads];
        if !all.into_iter().flatten().all(sane) {
            return Err("a stride, dilation or pad beyond any picture".into());
        }
        if window
            .strides
            .iter()
            .chain(&window.dilations)
            .any(|n| *n < 1)
        {
            return Err("a stride or dilation below 1".into());
        }
        match site.node.text("auto_pad") {
            "" | "NOTSET" => {}
            "VALID" => window.pads = vec![0; places * 2],
            way @ ("SAME_UPPER" | "SAME_LOWER") => {
                for axis in 0..places {
                    let length = input[axis + 2] as i64;
                    let stride = window.strides[axis];
                    let reach = window.reach(axis);
                    let wanted = (length + stride - 1) / stride;
                    let all = ((wanted - 1) * stride + reach - length).max(0);
                    let small = all / 2;
                    let (before, after) = match way {
                        "SAME_UPPER" => (small, all - small),
                        _ => (all - small, small),
                    };
                    (window.pads[axis], window.pads[axis + places]) = (before, after);
                }
            }
            other => return Err(format!("auto_pad is {other:?}")),
        }
        Ok(window)
    }

    /// How many places of the input a kernel spans.
    fn reach(&self, axis: usize) -> i64 {
        self.dilations[axis] * (self.kernel[axis] as i64 - 1) + 1
    }

    fn shape(&self, batch: usize, channels: usize, input: &[usize]) -> Result<Vec<usize>, Refusal> {
        let mut shape = vec![batch, channels];
        for axis in 0..self.kernel.len() {
            let around = self.pads[axis] + self.pads[axis + self.kernel.len()];
            let span = input[axis + 2] as i64 + around - self.reach(axis);
            if span < 0 {
                return Err("a kernel that is larger than its input".into());
            }
            shape.push((span / self.strides[axis] + 1) as usize);
        }
        Ok(shape)
    }
}

fn convolution(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let (x, weight) = (site.operand(b, 0)?, site.operand(b, 1)?);
    if !weight.constant {
        return Err("a kernel that is computed".into());
    }
    let group = site.node.int("group", 1);
    let inner = weight.shape.get(1).copied().unwrap_or(0);
    let channels = x.shape.get(1).copied().unwrap_or(0);
    if group < 1 || inner.checked_mul(group as usize) != Some(channels) {
        return Err(format!("{channels} channels in {group} groups of {inner}"));
    }
    let window = Window::of(site, &weight.shape, &x.shape)?;
    if group > 1 && inner == 1 {
        return depthwise(b, site, &x, &window);
    }
    let shape = window.shape(x.shape[0], weight.shape[0], &x.shape)?;
    let kernel: Vec<i64> = window.kernel.iter().map(|side| *side as i64).collect();
    let attributes = vec![
        attribute_ints("dilations", &window.dilations),
        attribute_int("group", group),
        attribute_ints("kernel_shape", &kernel),
        attribute_ints("pads", &window.pads),
        attribute_ints("strides", &window.strides),
    ];
    Ok(match site.maybe(2) {
        Some(_) => {
            let bias = site.operand(b, 2)?;
            b.node("Conv", &[&x, &weight, &bias], attributes, shape)
        }
        None => b.node("Conv", &[&x, &weight], attributes, shape),
    })
}

/// One channel a group takes another path in the runtime's kernels: it is written as slices, each multiplied with its weights, and summed in
/// the kernel's order.
fn depthwise(
    b: &mut Builder<'_, '_>,
    site: &Site<'_>,
    x: &Operand,
    window: &Window,
) -> Result<Operand, Refusal> {
    let weight = match site.value(1)? {
        Value::Constant(tensor) => tensor.clone(),
        Value::Stored(stored) => stored.tensor().map_err(super::text)?,
        _ => return Err("a kernel that is computed".into()),
    };
    let channels = x.shape[1];
    if weight.shape[0] != channels {
        return Err("several kernels for each channel".into());
    }
    let places = window.kernel.len();
    let pads: Vec<i64> = [vec![0, 0], window.pads[..places].to_vec()]
        .into_iter()
        .chain([vec![0, 0], window.pads[places..].to_vec()])
        .flatten()
        .collect();
    let mut padded = x.shape.clone();
    for axis in 0..places {
        padded[axis + 2] += (window.pads[axis] + window.pads[axis + places]) as usize;
    }
    let amounts = b.integers(&pads)?;
    let wide = b.node("Pad", &[x, &amounts], Vec::new(), padded);
    let shape = window.shape(x.shape[0], channels, &x.shape)?;
    let (values, size) = (weight.to_floats(), window.kernel.iter().product::<usize>());
    let mut sum: Option<Operand> = None;
    for place in 0..size {
        let mut part = wide.clone();
        let mut rest = place;
        for axis in (0..places).rev() {
            let at = (rest % window.kernel[axis]) as i64 * window.dilations[axis];
            rest /= window.kernel[axis];
            part = b.slice(&part, axis + 2, at, shape[axis + 2], window.strides[axis])?;
        }
        let column: Vec<f32> = (0..channels).map(|c| values[c * size + place]).collect();
        let mut sides = vec![channels];
        sides.extend(std::iter::repeat_n(1, places));
        let tensor = crate::graph::tensor::Tensor::floats(&sides, column).map_err(super::text)?;
        let column = b.constant(&tensor)?;
        let product = b.binary("Mul", &part, &column)?;
        sum = Some(match sum {
            None => product,
            Some(sum) => b.binary("Add", &sum, &product)?,
        });
    }
    let sum = sum.ok_or("a kernel of no size")?;
    match site.maybe(2) {
        Some(_) => {
            let bias = site.operand(b, 2)?;
            let mut sides = vec![channels];
            sides.extend(std::iter::repeat_n(1, places));
            let bias = b.reshape(&bias, &sides)?;
            b.binary("Add", &sum, &bias)
        }
        None => Ok(sum),
    }
}

/// A product of two matrices, however its letters are called: shared letters first in both, one letter summed.
fn einsum(b: &mut Builder<'_, '_>, site: &Site<'_>) -> Result<Operand, Refusal> {
    let equation: String = site.node.text("equation").split_whitespace().collect();
    let unknown = || format!("the equation {equation:?}");
    let (sources, target) = equation.split_once("->").ok_or_else(unknown)?;
    let (left, right) = sources.split_once(',').ok_or_else(unknown)?;
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    let (left, right, target) = (letters(left), letters(right), letters(target));
    let (mut x, mut y) = (site.operand(b, 0)?, site.operand(b, 1)?);
    if x.kind != Kind::Float || x.shape.len() != left.len() || y.shape.len() != right.len() {
        return Err(unknown());
    }
    let shared: Vec<char> = left
        .iter()
        .copied()
        .filter(|c| right.contains(c) && target.contains(c))
        .collect();
    let of = |own: &[char], other: &[char]| -> Vec<char> {
        own.iter()
            .copied()
            .filter(|c| !other.contains(c) && target.contains(c))
            .collect()
    };
    let (rows, columns) = (of(&left, &right), of(&right, &left));
    let summed: Vec<char> = left
        .iter()
        .copied()
        .filter(|c| right.contains(c) && !target.contains(c))
        .collect();
    let ([row], [column], [inner]) = (&rows[..], &columns[..], &summed[..]) else {
        return Err(unknown());
    };
    let order = |own: &[char], last: [char; 2]| -> Option<Vec<usize>> {
        let wanted = shared.iter().copied().chain(last);
        wanted.map(|c| own.iter().position(|o| *o == c)).collect()
    };
    let turned = |b: &mut Builder<'_, '_>, x: Operand, order: Vec<usize>| match order
        .iter()
        .copied()
        .eq(0..order.len())
    {
        true => x,
        false => b.transpose(&x, &order),
    };
    x = turned(b, x, order(&left, [*row, *inner]).ok_or_else(unknown)?);
    y = turned(b, y, order(&right, [*inner, *column]).ok_or_else(unknown)?);
    let product = b.product(&x, &y)?;
    let made: Vec<char> = shared.iter().copied().chain([*row, *column]).collect();
    let back: Option<Vec<usize>> = target
        .iter()
        .map(|c| made.iter().position(|o| o == c))
        .collect();
    let back = back
        .filter(|back| back.len() == made.len())
        .ok_or_else(unknown)?;
    Ok(turned(b, product, back))
}
