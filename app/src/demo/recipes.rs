//! The demo's people and recipes. Seeds were picked by looking at the pictures; choices of values are part of each anchor.

/// Handle and language of each creator.
pub(super) const PEOPLE: &[(&str, &str)] = &[("mira-makes", "en"), ("otto-formt", "de"), ("xiaolan", "zh"), ("tilde-studio", "en"), ("kaya-prints", "en")];

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
    Piece { creator: 0, title: "Round moods", description: "Four moods on one round face, glossy and soft. Change the mood, keep the light.", category: "faces", price_minor: 300, licence: "standard-1", template: "{mood}, 3d style", variables: &[("mood", &[("happy", "grinning face"), ("calm", "slightly smiling face"), ("sad", "crying face"), ("angry", "angry face")])], anchors: &[(&[("mood", "happy")], "9131277041"), (&[("mood", "calm")], "11"), (&[("mood", "sad")], "77120533")] },
    Piece { creator: 0, title: "Sleepy sun", description: "A sun that has just woken up. For calendars, good mornings and slow Mondays.", category: "faces", price_minor: 250, licence: "standard-1", template: "sun with face, noto style", variables: &[], anchors: &[(&[], "26"), (&[], "40417")] },
    Piece { creator: 0, title: "Clock with a face", description: "A clock that looks back at you.", category: "badges", price_minor: 350, licence: "standard-1", template: "clock face three, {style}", variables: &[("style", &[("noto", "noto style"), ("3d", "3d style")])], anchors: &[(&[("style", "noto")], "3"), (&[("style", "noto")], "11")] },
    Piece { creator: 0, title: "Plain buttons", description: "Square buttons for small tools and dashboards, in three colours.", category: "badges", price_minor: 0, licence: "cc0-1.0", template: "{colour} square, fluent style", variables: &[("colour", &[("green", "green"), ("blue", "blue"), ("red", "red")])], anchors: &[(&[("colour", "green")], "3"), (&[("colour", "blue")], "11"), (&[("colour", "red")], "5")] },
    Piece { creator: 1, title: "Runde Köpfe", description: "Gesichter im flachen Stil, für Aufkleber und Karten.", category: "faces", price_minor: 280, licence: "standard-1", template: "{mood}, flacher Stil", variables: &[("mood", &[("lachend", "grinsendes Gesicht"), ("traurig", "weinendes Gesicht"), ("wütend", "wütendes Gesicht")])], anchors: &[(&[("mood", "lachend")], "21"), (&[("mood", "traurig")], "22"), (&[("mood", "wütend")], "23")] },
    Piece { creator: 1, title: "Rote Punkte", description: "Ein roter Kreis, schlicht. Für Kalender und Warnungen.", category: "signals", price_minor: 0, licence: "cc-by-4.0", template: "roter Kreis, {style}", variables: &[("style", &[("flach", "flacher Stil"), ("3d", "3D-Stil")])], anchors: &[(&[("style", "flach")], "3"), (&[("style", "3d")], "8")] },
    Piece { creator: 1, title: "Bärengesicht", description: "Ein Bär, der eine Sonnenbrille tragen könnte.", category: "creatures", price_minor: 320, licence: "personal-1", template: "Bärengesicht, 3D-Stil", variables: &[], anchors: &[(&[], "33"), (&[], "11"), (&[], "19")] },
    Piece { creator: 1, title: "Flaggen im Wind", description: "Farbfelder, wie Flaggen genäht. Ohne Gewähr für Staaten.", category: "signals", price_minor: 300, licence: "standard-1", template: "Flagge: {land}, Twemoji-Stil", variables: &[("land", &[("A", "Deutschland"), ("B", "Polen")])], anchors: &[(&[("land", "A")], "3"), (&[("land", "B")], "11")] },
    Piece { creator: 2, title: "圆脸表情", description: "立体圆脸，三种心情，适合聊天贴纸。", category: "faces", price_minor: 300, licence: "standard-1", template: "{mood}, 3d风格", variables: &[("mood", &[("笑", "笑脸"), ("哭", "哭脸"), ("怒", "愤怒的脸")])], anchors: &[(&[("mood", "笑")], "58"), (&[("mood", "哭")], "59"), (&[("mood", "怒")], "60")] },
    Piece { creator: 2, title: "红红的心", description: "一颗红心，节日祝福用。", category: "seasonal", price_minor: 260, licence: "standard-1", template: "红心, {style}", variables: &[("style", &[("立体", "3d风格"), ("流畅", "流畅风格")])], anchors: &[(&[("style", "立体")], "3"), (&[("style", "流畅")], "12")] },
    Piece { creator: 2, title: "月亮脸", description: "中秋的月亮，有一张脸。", category: "seasonal", price_minor: 300, licence: "standard-1", template: "满月, 3d风格", variables: &[], anchors: &[(&[], "25"), (&[], "11")] },
    Piece { creator: 2, title: "橘子与番茄", description: "水果与蔬菜，颜色饱满。", category: "food", price_minor: 0, licence: "cc0-1.0", template: "{food}, 3d风格", variables: &[("food", &[("橘子", "橘子"), ("番茄", "番茄")])], anchors: &[(&[("food", "橘子")], "3"), (&[("food", "番茄")], "3")] },
    Piece { creator: 3, title: "Moonlight", description: "A full moon with an expression. Pick your night.", category: "seasonal", price_minor: 400, licence: "standard-1", template: "full moon, {style}", variables: &[("style", &[("3d", "3d style"), ("fluent", "fluent style")])], anchors: &[(&[("style", "3d")], "3"), (&[("style", "fluent")], "11")] },
    Piece { creator: 3, title: "Cool cats", description: "Round cats with attitude.", category: "creatures", price_minor: 450, licence: "standard-1", template: "cat face, {style}", variables: &[("style", &[("noto", "noto style"), ("3d", "3d style")])], anchors: &[(&[("style", "noto")], "11"), (&[("style", "3d")], "3"), (&[("style", "3d")], "14")] },
    Piece { creator: 3, title: "Pumpkin glow", description: "Soft pumpkins for the end of October.", category: "seasonal", price_minor: 300, licence: "standard-1", template: "pumpkin, 3d style", variables: &[], anchors: &[(&[], "30"), (&[], "3")] },
    Piece { creator: 3, title: "Citrus shelf", description: "Oranges and friends for menus and stickers.", category: "food", price_minor: 250, licence: "standard-1", template: "{fruit}, 3d style", variables: &[("fruit", &[("tangerine", "tangerine"), ("peach", "peach"), ("mango", "mango")])], anchors: &[(&[("fruit", "tangerine")], "3"), (&[("fruit", "peach")], "4"), (&[("fruit", "mango")], "7")] },
    Piece { creator: 3, title: "Hearts, many", description: "One heart a colour, for notes and favourites.", category: "stickers", price_minor: 0, licence: "cc-by-4.0", template: "{colour} heart, 3d style", variables: &[("colour", &[("red", "red"), ("blue", "blue"), ("green", "green"), ("purple", "purple")])], anchors: &[(&[("colour", "red")], "3"), (&[("colour", "blue")], "3"), (&[("colour", "green")], "10")] },
    Piece { creator: 3, title: "Traffic dots", description: "Stop, wait and go as simple dots.", category: "signals", price_minor: 280, licence: "extended-1", template: "{colour} circle, flat style", variables: &[("colour", &[("stop", "red"), ("wait", "yellow"), ("go", "green")])], anchors: &[(&[("colour", "stop")], "3"), (&[("colour", "wait")], "13"), (&[("colour", "go")], "3")] },
    Piece { creator: 4, title: "Portraits in blue", description: "Small portraits, light skin tone, soft shading.", category: "skin-tones", price_minor: 420, licence: "standard-1", template: "man: {tone}, fluent style", variables: &[("tone", &[("light", "light skin tone"), ("medium", "medium skin tone"), ("dark", "dark skin tone")])], anchors: &[(&[("tone", "light")], "11"), (&[("tone", "light")], "3"), (&[("tone", "medium")], "11")] },
    Piece { creator: 4, title: "Little ones", description: "Small faces in three skin tones.", category: "skin-tones", price_minor: 380, licence: "standard-1", template: "baby: {tone}, fluent style", variables: &[("tone", &[("light", "light skin tone"), ("medium", "medium skin tone"), ("dark", "dark skin tone")])], anchors: &[(&[("tone", "medium")], "11"), (&[("tone", "light")], "3"), (&[("tone", "dark")], "5")] },
    Piece { creator: 4, title: "Check marks", description: "Buttons that say yes, on blue.", category: "badges", price_minor: 300, licence: "extended-1", template: "check mark button, fluent style", variables: &[], anchors: &[(&[], "51"), (&[], "3"), (&[], "11")] },
    Piece { creator: 4, title: "Old-world faces", description: "Faces in the noto manner, drawn with few strokes.", category: "faces", price_minor: 300, licence: "standard-1", template: "{mood}, noto style", variables: &[("mood", &[("happy", "grinning face"), ("calm", "slightly smiling face"), ("sad", "crying face"), ("angry", "angry face")])], anchors: &[(&[("mood", "happy")], "3"), (&[("mood", "sad")], "11"), (&[("mood", "angry")], "26")] },
    Piece { creator: 4, title: "Aliens next door", description: "Friendly heads from somewhere else.", category: "creatures", price_minor: 500, licence: "extended-1", template: "alien, {style}", variables: &[("style", &[("fluent", "fluent style"), ("3d", "3d style")])], anchors: &[(&[("style", "fluent")], "39"), (&[("style", "fluent")], "11"), (&[("style", "3d")], "3")] },
    Piece { creator: 4, title: "Sticker sampler", description: "Winks and naps for chats; free to use.", category: "stickers", price_minor: 0, licence: "cc0-1.0", template: "{mood}, fluent style", variables: &[("mood", &[("asleep", "sleeping face"), ("wink", "winking face"), ("cool", "smiling face with sunglasses")])], anchors: &[(&[("mood", "asleep")], "3"), (&[("mood", "wink")], "11"), (&[("mood", "cool")], "1")] },
];
