//! Verdicts by what texts look like: longer versions, headlines alone, extracts, small vocabularies.

use super::*;

/// A publisher's longer version updates the story; another publisher's is a copy, and so is the whole of a cut text.
#[test]
fn added_paragraphs_are_an_update() {
    let more = " The ferry company said it had no word from two of its boats since the early morning. Divers were to look \
        at the breakwater as soon as the swell allowed, and the mayor asked for help from the army to clear the harbour \
        road of sand and stones before the weekend market opens.";
    let story = |id: &str, name: Option<&str>, text: &str| {
        let mut item = json!({"id": id, "headline": "Storm closes all ports on the northern coast", "summary": text});
        if let Some(name) = name {
            item["publisher"] = json!({"name": name});
        }
        item
    };
    let box_of_others = " Related: Bank fined over loans to shipping firms. Court clears former minister of fraud. Snow is \
        expected in the hills on Sunday, the weather service says, with winds that may reach gale force by night in the \
        far south and fog along most rivers of the plain, so trains will run late on all lines but two, and buses too.";
    for (first, cut, second, text, expected) in [
        (Some("Star"), "", Some("Star"), more, "update a"),
        (None, "", None, more, "update a"),
        (Some("Star"), "", Some("Post"), more, "copy of a: near_duplicate, alike"),
        (Some("Star"), "…", Some("Star"), more, "copy of a: same_article, alike"),
        (Some("Star"), "", Some("Post"), box_of_others, "copy of a: near_duplicate, alike"),
    ] {
        let mut stage = dedup();
        assert_eq!(told(&mut stage, &story("a", first, &format!("{STORM}{cut}"))), "new");
        assert_eq!(
            told(&mut stage, &story("b", second, &format!("{STORM}{text}"))),
            expected,
            "{first:?} {cut} {second:?}"
        );
    }
}

/// A headline alone is a copy of the article that it heads, and the other way round; a cut one goes on.
#[test]
fn headlines_alone_are_compared_with_headlines() {
    let headline = "Storm closes all ports on the northern coast near Lonsund";
    let alone = json!({"id": "h", "headline": headline});
    let article = json!({"id": "a", "headline": headline, "summary": STORM});
    let cut = json!({"id": "c", "headline": "Storm closes all ports on the northern…"});
    let other = json!({"id": "o", "headline": "Parliament closes all debate on the northern budget line"});
    for (items, expected) in [
        ([&alone, &article], "copy of h: syndicated, alike"),
        ([&article, &alone], "copy of a: syndicated, alike"),
        ([&alone, &cut], "copy of h: near_duplicate, alike"),
        ([&cut, &alone], "copy of c: near_duplicate, alike"),
        ([&alone, &other], "new"),
        ([&article, &other], "new"),
    ] {
        let mut stage = dedup();
        told(&mut stage, items[0]);
        assert_eq!(told(&mut stage, items[1]), expected, "{} {}", items[0], items[1]);
    }
}

/// What was cut from one headline is no bridge to another that begins likewise.
#[test]
fn a_cut_headline_joins_no_two_others() {
    let mut stage = dedup();
    for (id, headline, expected) in [
        ("a", "Storm closes all ports on the northern coast near Lonsund", "new"),
        ("c", "Storm closes all ports…", "copy of a: near_duplicate, alike"),
        ("o", "Storm closes all ports of Amaria for the winter months", "new"),
        ("b", "Storm closes all ports on the northern coast", "copy of a: near_duplicate, alike"),
    ] {
        assert_eq!(told(&mut stage, &json!({"id": id, "headline": headline})), expected, "{headline}");
    }
}

/// Extracts are told by whole sentences in any order; a round-up that quotes one is none.
#[test]
fn extracts_are_compared_by_sentences() {
    let sentences = [
        "A storm with winds of up to 140 kilometres an hour closed every port on the northern coast.",
        "Harbour masters said the breakwater at Lonsund had cracked in two places.",
        "Schools will stay shut until the end of the week, the governor told reporters.",
        "The ferry company hoped to sail again once divers had looked at the damage.",
        "Insurers put the damage at forty million, most of it in the fishing harbours.",
        "It is the worst storm on this coast since the winter of 1987.",
    ];
    let article = json!({"id": "a", "headline": "Ports closed", "body": sentences.join(" ")});
    let extract = |id: &str, picked: &[usize]| {
        let body: Vec<_> = picked.iter().map(|n| sentences[*n]).collect();
        json!({"id": id, "origin": {"kind": "search"}, "body": body.join(" ")})
    };
    let round_up = json!({"id": "r", "headline": "What to know this morning", "body": format!(
        "The bank was fined nine million over loans to shipping firms. {} A court cleared the former minister of fraud \
         after two years. Snow is expected in the hills on Sunday, the weather service says.", sentences[1])});
    let mut stage = dedup();
    assert_eq!(told(&mut stage, &article), "new");
    assert_eq!(told(&mut stage, &extract("e", &[4, 2, 5])), "copy of a: near_duplicate, sentences 1.00");
    assert_eq!(told(&mut stage, &extract("f", &[5, 1, 4])), "copy of a: near_duplicate, sentences 1.00");
    assert_eq!(told(&mut stage, &round_up), "new");
    let mut stage = dedup();
    assert_eq!(told(&mut stage, &extract("e", &[4, 2, 5])), "new");
    assert_eq!(told(&mut stage, &article), "copy of e: near_duplicate, sentences 1.00", "never an update");
    assert_eq!(told(&mut stage, &extract("g", &[0])), "new", "one sentence is too little");
}

/// A search engine cuts passages off in mid-sentence; and not every script ends its sentences with a full stop and a space.
#[test]
fn extracts_of_cut_passages_and_other_scripts() {
    let extract = |body: &str| json!({"id": "e", "origin": {"kind": "search"}, "body": body});
    let ports = "A storm with winds of up to 140 kilometres an hour closed every port on the northern coast. Harbour masters \
        said the breakwater at Lonsund had cracked in two places. Schools will stay shut until the end of the week, the \
        governor told reporters. The ferry company hoped to sail again once divers had looked at the damage. Insurers put \
        the damage at forty million, most of it in the fishing harbours.";
    let hindi = "उत्तरी तट पर आए तूफान के कारण मंगलवार को सभी बंदरगाह बंद कर दिए गए।अधिकारियों ने बताया कि लोंसुंद का बांध दो जगह से टूट गया है। \
        राज्यपाल ने पत्रकारों से कहा कि स्कूल सप्ताह के अंत तक बंद रहेंगे॥ नौका कंपनी को उम्मीद है कि गोताखोरों की जांच के बाद सेवा फिर शुरू होगी।";
    let chinese = "北部海岸的强风暴周二关闭了所有港口。港务局长表示隆松德防波堤有两处开裂！州长对记者说学校将停课至本周末。轮渡公司希望潜水员检查后恢复\
        航行？保险公司估计损失达四千万元。";
    for (body, shown, expected) in [
        (
            ports,
            "Harbour masters said the breakwater at Lonsund had cracked in ... Insurers put the damage at forty million, \
             most of it in the ...",
            "copy of a: near_duplicate, sentences 1.00",
        ),
        (
            ports,
            "… of up to 140 kilometres an hour closed every port on the northern coast. … Schools will stay shut until the \
             end of …",
            "copy of a: near_duplicate, sentences 0.95",
        ),
        (ports, "Harbour masters said the breakwater at Lonsund had cracked in ...", "new"),
        (
            hindi,
            "राज्यपाल ने पत्रकारों से कहा कि स्कूल सप्ताह के अंत तक बंद रहेंगे॥ अधिकारियों ने बताया कि लोंसुंद का बांध दो जगह से टूट गया है।",
            "copy of a: near_duplicate, sentences 1.00",
        ),
        (
            chinese,
            "保险公司估计损失达四千万元。港务局长表示隆松德防波堤有两处开裂！轮渡公司希望潜水员检查后恢复航行？",
            "copy of a: near_duplicate, sentences 1.00",
        ),
    ] {
        let mut stage = dedup();
        assert_eq!(told(&mut stage, &json!({"id": "a", "headline": "Ports closed", "body": body})), "new");
        assert_eq!(told(&mut stage, &extract(shown)), expected, "{shown}");
    }
}

/// A notice in the place of a text makes no copies of the articles that it hides.
#[test]
fn a_notice_under_other_headlines_is_no_text() {
    let notice = "This article is only available to subscribers. Please log in or subscribe to continue reading this \
        article and support independent journalism in your region.";
    let headlines = [
        "Bank fined over loans",
        "Ports bill passes",
        "Storm closes all northern ports",
        "Court clears former minister of fraud",
        "Ferry strike goes on in Lonsund",
        "New museum opens in Velmont",
        "Rates rise by half a point in Amaria",
        "Storm closes all southern schools",
    ];
    let item = |n: usize, field: &str| {
        let url = format!("https://star.example/{n}");
        json!({"id": n, "headline": headlines[n], field: notice, "url": url, "publisher": {"name": "Star"}})
    };
    for field in ["summary", "body"] {
        let mut stage = dedup();
        for (n, headline) in headlines.iter().enumerate() {
            assert_eq!(told(&mut stage, &item(n, field)), "new", "{headline}");
        }
        let copy = json!({"id": "c", "headline": "Storm closes northern ports", field: notice});
        assert_eq!(told(&mut stage, &copy), "copy of 2: syndicated, alike");
    }
    // a headline in other words, of a text that tells of it
    let mut stage = dedup();
    told(&mut stage, &json!({"id": "a", "headline": "Storm closes all ports on the northern coast", "summary": STORM}));
    let copy = json!({"id": "b", "headline": "Ferries stranded and breakwater cracked", "summary": STORM});
    assert!(told(&mut stage, &copy).starts_with("copy of a"));
}

/// What a publisher gives every day is not the same news, though its headline and its first sentence are.
#[test]
fn daily_round_ups_are_no_copies() {
    let opening =
        "Here is what you need to know this morning, from our newsroom to your inbox, every weekday before eight.";
    let storm = format!("{opening} {STORM}");
    for (text, other, hours, address, publisher, expected) in [
        ("", "", 24, "2", "Star", "new"),
        ("", "", 2, "2", "Star", "copy of a: same_article, same text"),
        ("", "", 24, "1", "Star", "copy of a: same_article, same url"),
        ("", "", 24, "2", "Post", "copy of a: syndicated, same text"),
        (opening, opening, 24, "2", "Star", "new"),
        (
            "Here is what you need to know this morning, from our newsroom to your inbox. A storm closed every port on the \
             northern coast, and ferries stayed in.",
            "Here is what you need to know this morning, from our newsroom to your inbox. The court cleared the former \
             minister of fraud after two years.",
            24,
            "2",
            "Star",
            "new",
        ),
        (&storm, &storm, 24, "2", "Star", "copy of a: same_article, same text"),
        (&storm, &storm.replace("Harbour", "The harbour"), 24, "2", "Star", "copy of a: same_article, alike"),
    ] {
        let item = |id: &str, text: &str, hours, address: &str, publisher: &str| {
            let url = format!("https://star.example/{address}");
            json!({"id": id, "headline": "The morning briefing", "summary": text, "url": url,
                "publisher": {"name": publisher}, "first_seen_at": at(hours)})
        };
        let mut stage = dedup();
        told(&mut stage, &item("a", text, 0, "1", "Star"));
        assert_eq!(
            told(&mut stage, &item("b", other, hours, address, publisher)),
            expected,
            "{other} {hours} {address}"
        );
    }
}

/// A small vocabulary, as of one beat: every word is common, and the odd token at the headline's end is the only rare
/// one. It must not make news of a copy, however full the window.
#[test]
fn an_odd_token_in_the_headline_makes_no_news_of_a_copy() {
    let word = |n: u64| {
        let dice = crate::sketch::mix(n + 1) as usize % 60;
        let head = ["ba", "co", "di", "fe", "gra", "ho", "li", "mo", "pre", "su", "tra", "ve"][dice / 5];
        format!("{head}{}", ["al", "ent", "ing", "or", "ure"][dice % 5])
    };
    let words = |from: u64, count: u64| (from..from + count).map(word);
    let mut stage = dedup();
    let (mut found, mut wrong) = (0, 0);
    for n in 0..2500u64 {
        let story = if n % 10 == 1 { n - 1 } else { n } * 1000;
        let headline: Vec<_> = words(story, 9).collect();
        let summary: Vec<_> = words(story + 9, 56).collect();
        let odd: String = n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        let headline = format!("{} odd{odd}", headline.join(" "));
        let verdict = told(&mut stage, &json!({"id": n, "headline": headline, "summary": summary.join(" ")}));
        if n % 10 == 1 {
            found += usize::from(verdict.starts_with(&format!("copy of {}:", n - 1)));
        } else {
            wrong += usize::from(verdict != "new");
        }
    }
    // a few headlines repeat so few words that the odd one outweighs them
    assert!(found >= 238 && wrong == 0, "{found} of 250 copies, {wrong} of the rest are not new");
}
