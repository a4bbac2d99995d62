//! Part of the gibbs workspace.
