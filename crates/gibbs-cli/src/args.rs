//! The command line, parsed. Options of a fit are defined once, in `gibbs::options`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use gibbs::config::LogZMethod;
use gibbs::ising::Sampler;
use gibbs::options::FitOptions;
use gibbs::pipeline::PartName;

use crate::commands::anneal::Anneal;
use crate::commands::recall::Recall;

/// Energy-based models that tell the truth about their likelihood.
#[derive(Debug, Parser)]
#[command(name = "gibbs", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Options of every command
    #[command(flatten)]
    pub global: Global,
}

const EXIT_CODES: &str = "Exit status: 0 ok, 2 usage, 3 bad data, 4 bad run directory or unwritable file, \
5 diverged, 130 interrupted.\nResults go to stdout, everything else to stderr.";

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// Print results as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print a line at every look at the likelihood, also beside a progress bar
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train an RBM on handwritten digits, evaluate it exactly and by AIS, sample, and write a report
    Demo(Demo),
    /// Fit a model to a table, a folder of pictures or a named set
    #[command(allow_negative_numbers = true)]
    Fit(Box<Fit>),
    /// Draw samples from a fitted model
    Sample(Sample),
    /// Held-out log-likelihood with its interval
    Eval(Eval),
    /// log Z from both sides: an interval with a verdict
    #[command(allow_negative_numbers = true)]
    Logz(crate::commands::logz::Logz),
    /// Compare two models on the same rows: whose likelihood is higher
    Compare(crate::commands::compare::Compare),
    /// Run the model's chains and say whether they converged, are stuck, or sample another temperature
    Diagnose(crate::commands::diagnose::Diagnose),
    /// Energy, and log-probability where log Z is known, of every row
    Score(Score),
    /// Fill the missing cells of a table, with probabilities or intervals
    Impute(crate::commands::impute::Impute),
    /// Label sentences by a fit with --model crf, and score labels that are given
    Tag(crate::commands::tag::Tag),
    /// Forecast a column, or classes by a deep belief net, and score outcomes that are given
    Predict(crate::commands::predict::Predict),
    /// What a run holds
    Info(Info),
    /// Write the report of a run again
    Report(Report),
    /// Bring in a model that was trained elsewhere
    #[command(subcommand)]
    Import(Import),
    /// Simulate the two-dimensional Ising model beside its exact solution
    #[command(allow_negative_numbers = true)]
    Ising(Ising),
    /// Store patterns in an associative memory and recall queries
    Recall(Recall),
    /// Look for low states of a QUBO problem by annealing or tempering
    Anneal(Anneal),
    /// Rank the laws that a column of numbers may be drawn from
    FitFamily(crate::commands::fit_family::FitFamily),
    /// Check forecasts in a table against what happened
    Calibrate(crate::commands::calibrate::Calibrate),
    /// Restore a noisy picture
    #[command(allow_negative_numbers = true)]
    Denoise(crate::commands::denoise::Denoise),
    /// Named data sets and generators
    #[command(subcommand)]
    Data(Data),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Run directory
    #[arg(long, default_value = "gibbs-demo")]
    pub out: PathBuf,
    /// Overwrite a run that is there
    #[arg(long)]
    pub force: bool,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Arguments of `fit`.
#[derive(Args, Debug)]
pub struct Fit {
    /// Model, data and learning
    #[command(flatten)]
    pub options: FitOptions,
    /// Configuration file (TOML): every flag is a key; flags win
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,
    /// Run directory
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub out: PathBuf,
    /// Overwrite a run that is there
    #[arg(long, help_heading = "Run")]
    pub force: bool,
    /// Go on with the run in --out where it stopped, bit for bit
    #[arg(long, help_heading = "Run", conflicts_with_all = ["force", "config"])]
    pub resume: bool,
}

/// Arguments of `sample`.
#[derive(Args, Debug)]
pub struct Sample {
    /// Run directory
    pub run: PathBuf,
    /// Number of samples
    #[arg(short, long, default_value_t = 100)]
    pub n: usize,
    /// File to write: .npy, .csv or .parquet
    #[arg(long)]
    pub out: PathBuf,
    /// Gibbs steps of each chain; every sample is the end of a chain of its own
    #[arg(long, default_value_t = 1000)]
    pub steps: u64,
    /// Temperature
    #[arg(long, default_value_t = 1.0)]
    pub temperature: f64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// How `log Z` is obtained.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct LogZ {
    /// How log Z is obtained
    #[arg(long, value_enum, default_value = "auto")]
    pub log_z: LogZMethod,
    /// Chains of annealed importance sampling
    #[arg(long, default_value_t = 100)]
    pub ais_chains: usize,
    /// Temperatures of annealed importance sampling
    #[arg(long, default_value_t = 5000)]
    pub ais_temperatures: usize,
    /// What --log-z bracket may cost
    #[command(flatten)]
    pub budget: crate::commands::logz::Budget,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Arguments of `eval`.
#[derive(Args, Debug)]
pub struct Eval {
    /// Run directory
    pub run: PathBuf,
    /// Table to evaluate on
    #[arg(required_unless_present = "part")]
    pub data: Option<String>,
    /// Evaluate on a part of the run's own data
    #[arg(long, value_enum, conflicts_with = "data")]
    pub part: Option<PartName>,
    /// Write the log-likelihood of every row to this CSV file
    #[arg(long, value_name = "FILE")]
    pub per_row: Option<PathBuf>,
    /// Also compare this many samples with as many rows, by the squared maximum mean discrepancy
    #[arg(long, value_name = "N")]
    pub mmd: Option<usize>,
    /// Length of the kernel of --mmd, on the model's scale [default: median distance of rows]
    #[arg(long, requires = "mmd")]
    pub bandwidth: Option<f64>,
    /// Steps of the chains of --mmd
    #[arg(long, default_value_t = 1000, requires = "mmd")]
    pub steps: u64,
    /// How the likelihood is obtained
    #[command(flatten)]
    pub raise: crate::commands::raise::HowLikely,
    /// How log Z is obtained
    #[command(flatten)]
    pub log_z: LogZ,
}

/// Arguments of `score`.
#[derive(Args, Debug)]
pub struct Score {
    /// Run directory
    pub run: PathBuf,
    /// Table to score
    pub data: String,
    /// CSV file to write [default: standard output]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// How log Z is obtained
    #[command(flatten)]
    pub log_z: LogZ,
}

/// Arguments of `info`.
#[derive(Args, Debug)]
pub struct Info {
    /// Run directory
    pub run: PathBuf,
}

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct Report {
    /// Run directory
    pub run: PathBuf,
}

/// Kinds of models that can be brought in.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// A binary RBM from arrays
    Rbm(ImportRbm),
}

/// Arguments of `import rbm`.
#[derive(Args, Debug)]
pub struct ImportRbm {
    /// Weights, visible x hidden
    #[arg(long)]
    pub weights: PathBuf,
    /// Visible biases
    #[arg(long)]
    pub visible_bias: PathBuf,
    /// Hidden biases
    #[arg(long)]
    pub hidden_bias: PathBuf,
    /// Run directory
    #[arg(long)]
    pub out: PathBuf,
    /// Overwrite a run that is there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `ising`.
#[derive(Args, Debug)]
pub struct Ising {
    /// Sites of a side
    #[arg(long, default_value_t = 512)]
    pub size: usize,
    /// Coupling over temperature; the lattice orders at 0.440687
    #[arg(long, default_value_t = 0.44)]
    pub beta: f64,
    /// How spins are moved
    #[arg(long, value_enum, default_value = "heat-bath")]
    pub sampler: Sampler,
    /// Measurements
    #[arg(long, default_value_t = 3200)]
    pub measurements: u64,
    /// Sweeps between measurements (clusters, for Wolff)
    #[arg(long, default_value_t = 10)]
    pub between: u64,
    /// Sweeps thrown away first (clusters, for Wolff)
    #[arg(long, default_value_t = 2000)]
    pub burn_in: u64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Named data.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// The named sets and generators
    List,
    /// Write a named set or generated rows to a file
    Make(DataMake),
}

/// Arguments of `data make`.
#[derive(Args, Debug)]
pub struct DataMake {
    /// Name of a set or generator
    pub name: String,
    /// File to write: .csv or .npy
    #[arg(long)]
    pub out: PathBuf,
    /// Rows to generate
    #[arg(short, long)]
    pub n: Option<usize>,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder that holds named public sets
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Allow named public sets to be downloaded
    #[arg(long)]
    pub download: bool,
}
