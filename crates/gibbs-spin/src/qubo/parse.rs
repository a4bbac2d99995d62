//! Files of QUBO problems.

use std::collections::HashMap;

use super::{MAX_VARIABLES, Qubo, QuboError};

impl Qubo {
    /// Reads a problem from the bytes of a text file, in either of two formats, recognised by the line `p`.
    ///
    /// **qbsolv**: lines `c ...` are comments; `p qubo TOPOLOGY MAXNODES NNODES NCOUPLERS` comes first (the topology is `0`
    /// or `unconstrained`); then `NNODES` lines `i i value` and `NCOUPLERS` lines `i j value`, for variables numbered from 0
    /// to `MAXNODES - 1`.
    ///
    /// **Coordinates**: lines `i j value` (separated by white space or commas), variables numbered from 0, `i = j` for a
    /// linear term; lines that begin with `#`, `c` or `%` are comments. The number of variables is one more than the largest
    /// number.
    ///
    /// In both, a pair counts once in the sum, in whichever order it stands; a second line for the same pair is an error and
    /// not a sum, because it is ambiguous which was meant.
    ///
    /// # Errors
    /// With the line. Nothing is allocated by the numbers that a header announces.
    ///
    /// # Example
    /// ```
    /// use gibbs_spin::qubo::Qubo;
    /// let q = Qubo::parse(b"c two variables\np qubo 0 2 1 1\n0 0 -1\n0 1 2.5\n")?;
    /// assert_eq!(q, Qubo::parse(b"0 0 -1\n1 0 2.5\n")?);
    /// assert!(Qubo::parse(b"0 1 1\n1 0 1\n").unwrap_err().to_string().contains("line 2"));
    /// # Ok::<(), gibbs_spin::qubo::QuboError>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, QuboError> {
        let mut header: Option<Header> = None;
        let (mut linear, mut pairs) = (Vec::<(usize, f64)>::new(), Vec::<(usize, usize, f64)>::new());
        let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
        let (mut largest, mut last_line) = (0, 0);
        for (k, line) in bytes.split(|b| *b == b'\n').enumerate() {
            let at = |problem: String| QuboError::Line { line: k + 1, problem };
            let text =
                std::str::from_utf8(line).map_err(|_| at("it is not text; the file may be compressed".into()))?;
            let words: Vec<&str> =
                text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
            let Some(first) = words.first() else { continue };
            last_line = k + 1;
            if first.starts_with(['c', '#', '%']) {
                continue;
            }
            if *first == "p" {
                if header.is_some() || !seen.is_empty() {
                    return Err(at("the line `p` stands once, before all coefficients".into()));
                }
                header = Some(Header::parse(&words).map_err(at)?);
                continue;
            }
            let &[i, j, value] = &words[..] else {
                return Err(at(format!("{} words where `i j value` was expected", words.len())));
            };
            let index = |word: &str| -> Result<usize, String> {
                let i =
                    word.parse::<usize>().map_err(|_| format!("{} is not the number of a variable", short(word)))?;
                match &header {
                    Some(h) if i >= h.n => Err(format!("variable {i} does not exist: the header announces {}", h.n)),
                    _ if i >= MAX_VARIABLES => Err(format!("variable {i}: at most {MAX_VARIABLES} are supported")),
                    _ => Ok(i),
                }
            };
            let (i, j) = (index(i).map_err(at)?, index(j).map_err(at)?);
            let value: f64 = match value.parse() {
                Ok(v) if f64::is_finite(v) => v,
                _ => return Err(at(format!("{} is not a finite number", short(value)))),
            };
            if let Some(before) = seen.insert((i.min(j), i.max(j)), k + 1) {
                let problem =
                    format!("the pair {i}, {j} stands in line {before} already; give each pair once, in either order");
                return Err(at(problem));
            }
            largest = largest.max(i).max(j);
            if i == j { linear.push((i, value)) } else { pairs.push((i, j, value)) }
        }
        if let Some(h) = &header
            && (linear.len(), pairs.len()) != (h.n_linear, h.n_pairs)
        {
            let problem = format!(
                "the file ends with {} linear terms and {} couplers, the header announces {} and {}",
                linear.len(),
                pairs.len(),
                h.n_linear,
                h.n_pairs
            );
            return Err(QuboError::Line { line: last_line, problem });
        }
        if seen.is_empty() && header.is_none() {
            return Err(QuboError::Empty);
        }
        let n = header.map_or(largest + 1, |h| h.n);
        let mut all = vec![0.0; n];
        linear.into_iter().for_each(|(i, a)| all[i] = a);
        Self::new(0.0, all, &pairs)
    }

    /// The problem in qbsolv's format; the constant, which that format does not have, as a comment.
    pub fn to_qbsolv(&self) -> String {
        use std::fmt::Write;
        let nodes: Vec<(usize, f64)> = self.linear.iter().copied().enumerate().filter(|(_, a)| *a != 0.0).collect();
        let mut out = String::new();
        if self.offset != 0.0 {
            let _ = writeln!(out, "c offset {}", self.offset);
        }
        let _ = writeln!(out, "p qubo 0 {} {} {}", self.n_variables(), nodes.len(), self.n_couplings());
        let linear = nodes.into_iter().map(|(i, a)| (i, i, a));
        for (i, j, value) in linear.chain(self.pairs()) {
            let _ = writeln!(out, "{i} {j} {value}");
        }
        out
    }
}

struct Header {
    n: usize,
    n_linear: usize,
    n_pairs: usize,
}

impl Header {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let &["p", "qubo", topology, n, n_linear, n_pairs] = words else {
            return Err("the header reads `p qubo 0 MAXNODES NNODES NCOUPLERS`".into());
        };
        if !["0", "unconstrained"].contains(&topology) {
            return Err(format!("topology {} is not supported: only 0, any graph, is", short(topology)));
        }
        let count = |word: &str| word.parse::<usize>().map_err(|_| format!("{} is not a count", short(word)));
        let n = count(n)?;
        if n > MAX_VARIABLES {
            return Err(format!("{n} variables are more than the {MAX_VARIABLES} that are supported"));
        }
        Ok(Self { n, n_linear: count(n_linear)?, n_pairs: count(n_pairs)? })
    }
}

/// The beginning of a word, for messages.
fn short(word: &str) -> String {
    let text: String = word.chars().take(30).collect();
    format!("{text:?}")
}
