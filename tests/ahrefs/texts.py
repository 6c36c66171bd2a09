"""Texts that have broken parsers, escapers and column widths before."""

TEXTS = (
    "",
    "Home",
    "click here",
    "Ahrefs - SEO Tools & Resources",
    "10 tips, tricks, and \"secrets\"",
    "it's a 'quoted' anchor",
    "C:\\Users\\guest\\n not a newline",
    "line one\nline two\r\n\ttabbed",
    "bell \x07, escape \x1b[31m, nul \x00, delete \x7f",
    "</script><script>alert(1)</script>",
    "<!-- & &amp; <b>bold</b> ]]>",
    "=1+1;\"csv\",injection",
    "a,b;c|d\te",
    "{\"refpages\":[{\"error\":\"not one\"}]}",
    "],\"error\":\"not one either\"}",
    "Grüße aus Köln",
    "Ελληνικά κείμενα",
    "Обратные ссылки",
    "日本語のタイトル、テスト",
    "简体中文 與 繁體中文",
    "한국어 제목",
    "עברית מימין לשמאל",
    "العربية \u202eمقلوب\u202c",
    "हिन्दी में शीर्षक",
    "ภาษาไทย",
    "e\u0301 is not \u00e9",
    "emoji 👍🏽 👩‍👩‍👧 🏴‍☠️",
    "separators \u2028 and \u2029, bom \ufeff, nbsp \u00a0",
    "last of Unicode \U0010fffd",
    "   spaces   ",
    "%41%00%zz+plus",
    "null", "true", "0", "-1", "1e3",
)

LONG_TEXT = "very long, \"very\" long – очень длинный текст; " * 180

PLAIN_TEXTS = (
    "Best tools of the year",
    "a plain anchor text",
    "Новости недели",
    "read the \"full\" story",
    "see also, and more",
)
