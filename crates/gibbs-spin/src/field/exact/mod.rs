//! Fields solved exactly.

pub mod elimination;
pub mod enumeration;

pub use elimination::Elimination;
pub use enumeration::Enumeration;
