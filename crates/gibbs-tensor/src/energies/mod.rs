//! Analytic energies, one file each, with the moments and `log Z` that are known of them.
