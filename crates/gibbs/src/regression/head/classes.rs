//! Heads of classes; their parameters are log probabilities.

use gibbs_tensor::tape::Var;
use gibbs_tensor::trace::Declare;

/// Least distance of neighbouring thresholds.
const GAP: f64 = 1e-3;

pub(super) fn softmax(raw: &Var) -> Var {
    raw - &raw.log_sum_exp()
}

/// `ln P(y = k)`. With `a = c_k - f` and `b = c_(k-1) - f`, the difference of sigmoids is
/// `sigmoid(a) sigmoid(-b) (1 - e^(b - a))`, whose logarithm loses nothing in the tails.
pub(super) fn ordinal(raw: &Var, p: &mut Declare, classes: usize) -> Var {
    // Thresholds that give classes equal shares at `f = 0`, about.
    let mut at = p.constant("first_threshold", &[1], -((classes - 1) as f64).ln());
    let gaps = (classes > 2).then(|| p.constant("gaps", &[classes - 2], 0.0).softplus() + GAP);
    let mut columns = vec![-(raw - &at).softplus()];
    for k in 1..classes {
        let below = -(&at - raw).softplus();
        let Some(gap) = gaps.as_ref().filter(|_| k + 1 < classes).map(|g| g.slice(k - 1, k)) else {
            columns.push(below);
            break;
        };
        at = &at + &gap;
        let between = (-(-&gap).exp() + 1.0).ln();
        columns.push(below - (raw - &at).softplus() + between);
    }
    columns[0].concat(&columns[1..].iter().collect::<Vec<_>>())
}

/// `-ln p_y` for a one-hot `y`.
pub(super) fn loss(log_p: &Var, y: &Var) -> Var {
    -(log_p * y).sum_last()
}
