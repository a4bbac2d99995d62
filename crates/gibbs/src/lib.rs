//! Energy-based models that tell the truth about their likelihood.
