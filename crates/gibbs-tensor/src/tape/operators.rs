//! `+`, `-`, `*` and `/` of values on the tape, with each other and with numbers.

use super::op::Zip;
use super::var::Var;

macro_rules! operators {
    ($($trait:ident, $method:ident, $zip:expr;)*) => {$(
        impl std::ops::$trait<&Var> for &Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                self.zip($zip, other)
            }
        }
        impl std::ops::$trait<Var> for Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.zip($zip, &other)
            }
        }
        impl std::ops::$trait<&Var> for Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                self.zip($zip, other)
            }
        }
        impl std::ops::$trait<Var> for &Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.zip($zip, &other)
            }
        }
        impl std::ops::$trait<f64> for Var {
            type Output = Var;
            fn $method(self, other: f64) -> Var {
                self.zip($zip, &self.tape.constant(other))
            }
        }
        impl std::ops::$trait<f64> for &Var {
            type Output = Var;
            fn $method(self, other: f64) -> Var {
                self.zip($zip, &self.tape.constant(other))
            }
        }
    )*};
}

operators! {
    Add, add, Zip::Add;
    Sub, sub, Zip::Sub;
    Mul, mul, Zip::Mul;
    Div, div, Zip::Div;
}

impl std::ops::Neg for Var {
    type Output = Var;

    fn neg(self) -> Var {
        self * -1.0
    }
}

impl std::ops::Neg for &Var {
    type Output = Var;

    fn neg(self) -> Var {
        self * -1.0
    }
}
