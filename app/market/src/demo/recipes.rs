//! The demo's people and recipes. Seeds were drawn from the operating system, as the studio draws them, and picked by
//! looking at the pictures: a small seed would be found again by trying. Choices of values are part of each anchor.

/// Handle and language of each creator.
pub(super) const PEOPLE: &[(&str, &str)] = &[
    ("mira-makes", "en"),
    ("otto-formt", "de"),
    ("xiaolan", "zh"),
    ("tilde-studio", "en"),
    ("kaya-prints", "en"),
];

type Choices = &'static [(&'static str, &'static str)];
type Chosen = &'static [(&'static str, &'static str)];

/// One listing.
pub(super) struct Piece {
    pub(super) creator: usize,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) category: &'static str,
    pub(super) price_minor: i64,
    pub(super) licence: &'static str,
    pub(super) template: &'static str,
    pub(super) variables: &'static [(&'static str, Choices)],
    pub(super) anchors: &'static [(Chosen, &'static str)],
}

/// The whole catalogue.
pub(super) const LISTINGS: &[Piece] = &[
    Piece {
        creator: 0,
        title: "Round moods",
        description: "Four moods on one round face, glossy and soft. Change the mood, keep the light.",
        category: "faces",
        price_minor: 300,
        licence: "standard-1",
        template: "{mood}, 3d style",
        variables: &[(
            "mood",
            &[
                ("happy", "grinning face"),
                ("calm", "slightly smiling face"),
                ("sad", "crying face"),
                ("angry", "angry face"),
            ],
        )],
        anchors: &[
            (&[("mood", "happy")], "1540219877628419373"),
            (&[("mood", "sad")], "13357635803752805808"),
            (&[("mood", "angry")], "16068835842598926073"),
            (&[("mood", "calm")], "5527414630629765085"),
        ],
    },
    Piece {
        creator: 0,
        title: "Rocket mail",
        description: "A red and white rocket, ready for launch days and release notes.",
        category: "stickers",
        price_minor: 450,
        licence: "standard-1",
        template: "rocket, 3d style",
        variables: &[],
        anchors: &[(&[], "4484361530212094"), (&[], "10806076501478884862")],
    },
    Piece {
        creator: 0,
        title: "Keeping time",
        description: "A wristwatch for reminders and an alarm clock for mornings.",
        category: "badges",
        price_minor: 350,
        licence: "standard-1",
        template: "{clock}, 3d style",
        variables: &[("clock", &[("watch", "watch"), ("alarm", "alarm clock")])],
        anchors: &[
            (&[("clock", "watch")], "16080882435330516469"),
            (&[("clock", "alarm")], "1382209278762538834"),
        ],
    },
    Piece {
        creator: 0,
        title: "Plain buttons",
        description: "Square buttons for small tools and dashboards, in three colours.",
        category: "badges",
        price_minor: 0,
        licence: "cc0-1.0",
        template: "{colour} square, fluent style",
        variables: &[(
            "colour",
            &[("green", "green"), ("blue", "blue"), ("red", "red")],
        )],
        anchors: &[
            (&[("colour", "green")], "9422062824596410062"),
            (&[("colour", "blue")], "3211691563257571554"),
            (&[("colour", "red")], "3316088252901523495"),
        ],
    },
    Piece {
        creator: 0,
        title: "Visitors",
        description: "A flying saucer over your lawn. It comes with its own light.",
        category: "stickers",
        price_minor: 420,
        licence: "extended-1",
        template: "flying saucer, fluent style",
        variables: &[],
        anchors: &[(&[], "5167343744713356070"), (&[], "516861589521134008")],
    },
    Piece {
        creator: 1,
        title: "Runde Köpfe",
        description: "Gesichter mit klarem Ausdruck, für Aufkleber und Karten.",
        category: "faces",
        price_minor: 280,
        licence: "standard-1",
        template: "{mood}, flacher Stil",
        variables: &[(
            "mood",
            &[
                ("lachend", "grinsendes Gesicht"),
                ("traurig", "weinendes Gesicht"),
            ],
        )],
        anchors: &[
            (&[("mood", "lachend")], "4205733976224929558"),
            (&[("mood", "traurig")], "9552773091764887673"),
            (&[("mood", "lachend")], "6631361060133135223"),
        ],
    },
    Piece {
        creator: 1,
        title: "Blauwal",
        description: "Ein Blauwal, der gerade auftaucht. Frei für alle, mit Namensnennung.",
        category: "creatures",
        price_minor: 0,
        licence: "cc-by-4.0",
        template: "Blauwal, flacher Stil",
        variables: &[],
        anchors: &[(&[], "4233148788701042793"), (&[], "5156307354962765247")],
    },
    Piece {
        creator: 1,
        title: "Bärengesicht",
        description: "Ein Bär mit offenem Blick, für Kinderzimmer und Einladungen.",
        category: "creatures",
        price_minor: 320,
        licence: "personal-1",
        template: "Bärengesicht, 3D-Stil",
        variables: &[],
        anchors: &[
            (&[], "13924291841324239721"),
            (&[], "9021107292020054850"),
            (&[], "9757384812703152735"),
        ],
    },
    Piece {
        creator: 1,
        title: "Nachtwache",
        description: "Eine Eule mit goldenen Augen. Für Leseecken und späte Schichten.",
        category: "creatures",
        price_minor: 300,
        licence: "standard-1",
        template: "Eule, 3D-Stil",
        variables: &[],
        anchors: &[(&[], "1951473576455698890"), (&[], "17646408116112010818")],
    },
    Piece {
        creator: 2,
        title: "圆脸表情",
        description: "圆圆的脸，一笑一哭，适合聊天贴纸。",
        category: "faces",
        price_minor: 300,
        licence: "standard-1",
        template: "{mood}, 3d风格",
        variables: &[("mood", &[("笑", "笑脸"), ("哭", "哭脸")])],
        anchors: &[
            (&[("mood", "笑")], "16903898028538808085"),
            (&[("mood", "哭")], "1925042357716253832"),
        ],
    },
    Piece {
        creator: 2,
        title: "红红的心",
        description: "一颗红心，节日祝福用。",
        category: "seasonal",
        price_minor: 260,
        licence: "standard-1",
        template: "红心, {style}",
        variables: &[("style", &[("立体", "3d风格"), ("流畅", "流畅风格")])],
        anchors: &[
            (&[("style", "立体")], "7227117565514503040"),
            (&[("style", "流畅")], "7963458382096282686"),
        ],
    },
    Piece {
        creator: 2,
        title: "中国龙",
        description: "腾起的绿龙，龙年与新春皆宜。",
        category: "seasonal",
        price_minor: 500,
        licence: "standard-1",
        template: "龙, 3d风格",
        variables: &[],
        anchors: &[(&[], "4029210942543921203"), (&[], "94857100093656290")],
    },
    Piece {
        creator: 2,
        title: "橘子与西红柿",
        description: "水果与蔬菜，颜色饱满。",
        category: "food",
        price_minor: 0,
        licence: "cc0-1.0",
        template: "{food}, 3d风格",
        variables: &[("food", &[("橘子", "橘子"), ("西红柿", "西红柿")])],
        anchors: &[
            (&[("food", "橘子")], "1965497996725670655"),
            (&[("food", "西红柿")], "6023441465165074220"),
        ],
    },
    Piece {
        creator: 2,
        title: "圆滚滚的熊猫",
        description: "圆滚滚的熊猫脸，换个种子换个神情。",
        category: "creatures",
        price_minor: 380,
        licence: "standard-1",
        template: "熊猫, 3d风格",
        variables: &[],
        anchors: &[
            (&[], "4497250387554155773"),
            (&[], "11230929439632664170"),
            (&[], "4504390183937200424"),
        ],
    },
    Piece {
        creator: 3,
        title: "Garden shelf",
        description: "A sunflower and a cactus for seed packets, labels and shop signs.",
        category: "stickers",
        price_minor: 400,
        licence: "standard-1",
        template: "{plant}, 3d style",
        variables: &[("plant", &[("sunflower", "sunflower"), ("cactus", "cactus")])],
        anchors: &[
            (&[("plant", "sunflower")], "13670864536227184832"),
            (&[("plant", "cactus")], "3470301748749966720"),
        ],
    },
    Piece {
        creator: 3,
        title: "Cool cats",
        description: "Round cats with attitude.",
        category: "creatures",
        price_minor: 450,
        licence: "standard-1",
        template: "cat face, 3d style",
        variables: &[],
        anchors: &[
            (&[], "11436601773993996334"),
            (&[], "11545856387881071088"),
            (&[], "9478420652283492192"),
        ],
    },
    Piece {
        creator: 3,
        title: "Pumpkin glow",
        description: "Lanterns with a grin for the end of October.",
        category: "seasonal",
        price_minor: 300,
        licence: "standard-1",
        template: "jack-o-lantern, 3d style",
        variables: &[],
        anchors: &[(&[], "650043019746482338"), (&[], "8039507464637166040")],
    },
    Piece {
        creator: 3,
        title: "Citrus shelf",
        description: "Oranges and friends for menus and stickers.",
        category: "food",
        price_minor: 250,
        licence: "standard-1",
        template: "{fruit}, 3d style",
        variables: &[(
            "fruit",
            &[
                ("tangerine", "tangerine"),
                ("peach", "peach"),
                ("mango", "mango"),
            ],
        )],
        anchors: &[
            (&[("fruit", "tangerine")], "13944120151286884415"),
            (&[("fruit", "peach")], "891602566819227487"),
            (&[("fruit", "mango")], "2391717686209908201"),
        ],
    },
    Piece {
        creator: 3,
        title: "Hearts, many",
        description: "One heart a colour, for notes and favourites.",
        category: "stickers",
        price_minor: 0,
        licence: "cc-by-4.0",
        template: "{colour} heart, 3d style",
        variables: &[(
            "colour",
            &[("red", "red"), ("blue", "blue"), ("green", "green")],
        )],
        anchors: &[
            (&[("colour", "red")], "7061138245255366425"),
            (&[("colour", "blue")], "14792394554687525851"),
            (&[("colour", "green")], "2954151476354902044"),
        ],
    },
    Piece {
        creator: 3,
        title: "Small prizes",
        description: "A cup, a crown and a stone for leader boards and thank-you notes.",
        category: "badges",
        price_minor: 480,
        licence: "extended-1",
        template: "{prize}, 3d style",
        variables: &[(
            "prize",
            &[
                ("cup", "trophy"),
                ("crown", "crown"),
                ("stone", "gem stone"),
            ],
        )],
        anchors: &[
            (&[("prize", "cup")], "13328318800950638034"),
            (&[("prize", "crown")], "2936003581535838611"),
            (&[("prize", "stone")], "4063841363082335339"),
        ],
    },
    Piece {
        creator: 4,
        title: "Portraits",
        description: "Small portraits with soft shading, in two skin tones.",
        category: "skin-tones",
        price_minor: 420,
        licence: "standard-1",
        template: "man: {tone}, fluent style",
        variables: &[(
            "tone",
            &[("light", "light skin tone"), ("medium", "medium skin tone")],
        )],
        anchors: &[
            (&[("tone", "light")], "3673197026634801578"),
            (&[("tone", "medium")], "13247643234619539303"),
            (&[("tone", "light")], "8413438787047695388"),
        ],
    },
    Piece {
        creator: 4,
        title: "Little ones",
        description: "Small faces in two skin tones.",
        category: "skin-tones",
        price_minor: 380,
        licence: "standard-1",
        template: "baby: {tone}, fluent style",
        variables: &[(
            "tone",
            &[("medium", "medium skin tone"), ("dark", "dark skin tone")],
        )],
        anchors: &[
            (&[("tone", "medium")], "2840281643640965998"),
            (&[("tone", "dark")], "2942525498052814328"),
        ],
    },
    Piece {
        creator: 4,
        title: "Winter window",
        description: "A snowman and a present for cards and countdowns.",
        category: "seasonal",
        price_minor: 320,
        licence: "standard-1",
        template: "{thing}, 3d style",
        variables: &[(
            "thing",
            &[("snowman", "snowman"), ("present", "wrapped gift")],
        )],
        anchors: &[
            (&[("thing", "snowman")], "3456372582873998241"),
            (&[("thing", "present")], "10285103705671486745"),
        ],
    },
    Piece {
        creator: 4,
        title: "Aliens next door",
        description: "Friendly heads from somewhere else.",
        category: "creatures",
        price_minor: 500,
        licence: "extended-1",
        template: "{visitor}, 3d style",
        variables: &[("visitor", &[("alien", "alien"), ("robot", "robot")])],
        anchors: &[
            (&[("visitor", "alien")], "3824705059050046968"),
            (&[("visitor", "robot")], "16117245753178181636"),
        ],
    },
    Piece {
        creator: 4,
        title: "Lunch break",
        description: "A burger with everything, and strawberries for after.",
        category: "food",
        price_minor: 280,
        licence: "standard-1",
        template: "{dish}, 3d style",
        variables: &[(
            "dish",
            &[("burger", "hamburger"), ("strawberry", "strawberry")],
        )],
        anchors: &[
            (&[("dish", "burger")], "8054312203189262813"),
            (&[("dish", "strawberry")], "5303498909005753114"),
        ],
    },
    Piece {
        creator: 4,
        title: "Sticker sampler",
        description: "Shades and naps for chats; free to use.",
        category: "stickers",
        price_minor: 0,
        licence: "cc0-1.0",
        template: "{mood}, fluent style",
        variables: &[(
            "mood",
            &[
                ("cool", "smiling face with sunglasses"),
                ("asleep", "sleeping face"),
            ],
        )],
        anchors: &[
            (&[("mood", "cool")], "2883449865737166630"),
            (&[("mood", "asleep")], "12857431046289262678"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::LISTINGS;
    use schema::recipe::{Anchor, ModelDigest, Recipe, Scheduler, Seed};
    use std::collections::BTreeSet;

    #[test]
    fn no_demo_recipe_has_a_seed_that_could_be_found_by_trying() {
        let mut all = BTreeSet::new();
        for piece in LISTINGS {
            let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
            let model = ModelDigest::of(b"any");
            let mut recipe = Recipe::new(model, "any".into(), scheduler, 16, 3000, (128, 128));
            for (_, seed) in piece.anchors {
                let seed = Seed::parse(seed).expect("a seed");
                assert!(
                    all.insert(seed.0),
                    "{}: a seed that is used twice",
                    piece.title
                );
                recipe.anchors.push(Anchor {
                    values: Default::default(),
                    seed,
                });
            }
            recipe.check_seeds_for_sale().expect(piece.title);
        }
    }
}
