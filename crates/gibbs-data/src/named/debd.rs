//! Twelve binary sets for density estimation, with official training, validation and test parts.
//!
//! Sources: D. Lowd & J. Davis, "Learning Markov network structure with decision trees", ICDM 2010,
//! DOI 10.1109/ICDM.2010.128; J. Van Haaren & J. Davis, "Markov network structure learning: a randomized feature
//! generation approach", AAAI 2012.

use super::files::{Place, PublicFile, join};
use super::{NamedOptions, Part, SetInfo, SetKind};
use crate::{DataError, Table};

pub(super) struct Set {
    pub(super) name: &'static str,
    n_cols: usize,
    n_rows: usize,
    /// File names and digests of the training, validation and test parts.
    files: [PublicFile; 3],
}

const PARTS: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

const BASE_URL: &str = "https://raw.githubusercontent.com/UCLA-StarAI/Density-Estimation-Datasets/master/datasets/";

impl Set {
    pub(super) fn info(&self) -> SetInfo {
        SetInfo {
            name: self.name,
            what: "binary density-estimation benchmark (Lowd & Davis 2010, Van Haaren & Davis 2012)",
            kind: SetKind::Files,
            size: Some((self.n_rows, self.n_cols)),
            parameters: &[],
        }
    }

    pub(super) fn load(&self, options: &NamedOptions) -> Result<Table, DataError> {
        let folders = [format!("debd/{}", self.name), "debd".to_string(), self.name.to_string(), String::new()];
        let url = |file: &str| format!("{BASE_URL}{}/{file}", self.name);
        let place = Place { set: self.name, folders: &folders, url: &url };
        let wanted = PARTS.iter().zip(&self.files).filter(|(p, _)| options.part == Part::All || options.part == **p);
        join(wanted.map(|(p, f)| Ok((*p, place.read(f, options)?))).collect::<Result<_, DataError>>()?)
    }
}

const fn file(name: &'static str, sha256: &'static str) -> PublicFile {
    PublicFile { name, sha256 }
}

#[rustfmt::skip]
pub(super) const SETS: [Set; 12] = [
    Set { name: "nltcs", n_cols: 16, n_rows: 21574, files: [
        file("nltcs.train.data", "e547a7aedad1dd2f7177030881ab1b92c7e24ae5464c71a0f1f89daecaf52b30"),
        file("nltcs.valid.data", "93bbbf5c6febdc9bc6e5b5bfab636f4dc0685ab2896d24b23dd267794c3bfcf6"),
        file("nltcs.test.data", "f9ffa6b74b27dc03bee3203d157ee31079e80b13be40d0c0093d635c25aed523"),
    ] },
    Set { name: "plants", n_cols: 69, n_rows: 23215, files: [
        file("plants.train.data", "1fb1219ff94068d12a563f9e81f8889a1885f41e867884cff608669300c6848f"),
        file("plants.valid.data", "47834ed318b2d74f48e4b083226ef47fd446d41986012ceae19d230574821b34"),
        file("plants.test.data", "95f53c033cd1d86467aec2610dc5bfe014534206c2da4919f73bcab246ab8755"),
    ] },
    Set { name: "baudio", n_cols: 100, n_rows: 20000, files: [
        file("baudio.train.data", "b1ec73f4aa9d4ce48b465ded865cc3d22b3f68cf6258f9e15fbef8902138add1"),
        file("baudio.valid.data", "7164d8a4943f74953f0e982002d84693fdf483e17f69e7407dc939c5ce5622fe"),
        file("baudio.test.data", "1474f3206f1f35e099803a0f40b0cd209bdc8d787825095ef6cb23fd87ed0d05"),
    ] },
    Set { name: "jester", n_cols: 100, n_rows: 14116, files: [
        file("jester.train.data", "dd93578c3359d5b234bb278bf0901c5215d83b910f7d51d7c91951a0a4c244cd"),
        file("jester.valid.data", "91df833941e189265345898d3f63211560c2456df599f34beee8e95381ee7524"),
        file("jester.test.data", "346044fb561cf18f284f7e9d5896178b03048991b6ebb6f7482885fccbc16082"),
    ] },
    Set { name: "bnetflix", n_cols: 100, n_rows: 20000, files: [
        file("bnetflix.train.data", "73c87cf0635ec734cc0726a5c644b904ff33e81ea51f1049db0e77b787ebad7c"),
        file("bnetflix.valid.data", "7f0a3e597c6f305f707f9ecd2b2aa523c576cdb17fdc5d902fc832ebea5163de"),
        file("bnetflix.test.data", "af73990782fd2f146d96059855c4f3bbb6a7a7caefc417ff620a3ed1415a2395"),
    ] },
    Set { name: "accidents", n_cols: 111, n_rows: 17009, files: [
        file("accidents.train.data", "a76648cf00772c275b4277b21d858e235e3c6d3c5ef30beeb4958189b6bed21c"),
        file("accidents.valid.data", "fd3a80a0f411f157cf3772a057d26980bb166cb89b10cafb818a53f1ec30d46d"),
        file("accidents.test.data", "df3f1b6c035bf3e306a7d7127320e479d2546ce14a5d6d3043e6be0925b8b414"),
    ] },
    Set { name: "mushrooms", n_cols: 112, n_rows: 8124, files: [
        file("mushrooms.train.data", "465c712c066bbbee3ccceded24bbe42b4c379df67b524e28cce9bf3a8b83f27b"),
        file("mushrooms.valid.data", "5a067e6854df71623415e6adc8e913cbff766637a324788882ba800907aa5385"),
        file("mushrooms.test.data", "313c5f04b5d0a18bee2f2ffa264be265d09f5362aad6f714637acd9552f81aa0"),
    ] },
    Set { name: "tretail", n_cols: 135, n_rows: 29387, files: [
        file("tretail.train.data", "f85cbbde32672c029ff3c53b44e81bb29a6843cb50f962d2ae0b7326da9d7df0"),
        file("tretail.valid.data", "69024b394252f491a518ca93e164029fdae7d8c8eae7105739e8ab517b62e418"),
        file("tretail.test.data", "474ffe4b10b213c0539a95d070955c35f042eb80d5a6198f7fca849cae28b378"),
    ] },
    Set { name: "dna", n_cols: 180, n_rows: 3186, files: [
        file("dna.train.data", "bb8de0ca4b6ad9b610036b7a302962ebecd4b504354b14c02c7d0bee48d207d9"),
        file("dna.valid.data", "4b0fc89cda5eaf5c75926e281afb6af99de194a546070d5b81b524ba251f4f3f"),
        file("dna.test.data", "fec3ae7b26804020a9c43c99828441c5e08bb76b23719368a74ad2b09af99100"),
    ] },
    Set { name: "kosarek", n_cols: 190, n_rows: 44500, files: [
        file("kosarek.train.data", "31ca93de99cf823c22fb207a81043834c887e52b71d86c586a4939be16a2206a"),
        file("kosarek.valid.data", "5a4a5edc60b9c30a76b44fdc2978e976fec49c1544e850fe72a73ee60f760aa4"),
        file("kosarek.test.data", "c54cb99ae56399e26005daba5d56d92d215f73fbb46ce75b9a919690b2990225"),
    ] },
    Set { name: "msweb", n_cols: 294, n_rows: 37711, files: [
        file("msweb.train.data", "dc70b036c0af1822f39e12d4bfdb9a67dcfa23da40fbae4dbd7f83becf0b7a5b"),
        file("msweb.valid.data", "a317cd9261dfa29982f0b8663943292773f6c31220d06071e9165c7c9eca13f5"),
        file("msweb.test.data", "a4f071037f0734618695bc8428e8d8ffefc03e52ff97f37e17c928fc964819ff"),
    ] },
    Set { name: "book", n_cols: 500, n_rows: 11598, files: [
        file("book.train.data", "e2458d1db3b9f2ad74a4034dee19c72213d20bd246a51750ef728041e130b6a7"),
        file("book.valid.data", "a111d7a024f88b062c60431306ad521dec64ec6cc2a2bca10503da647d1f0aaf"),
        file("book.test.data", "94e7ec33fe7a84b4a92f248d8f0c0e35143f3cd56f5a609f4311c38218e420b9"),
    ] },
];
