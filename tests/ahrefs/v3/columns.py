"""The columns of the endpoints: types, prices in units, and what they can be used for."""

from typing import NamedTuple


class Column(NamedTuple):
    """`kind` is int, float, bool, time, date, text or list."""

    kind: str
    price: int = 1
    nullable: bool = False
    selectable: bool = True
    sortable: bool = True


def _table(text) -> dict:
    """Lines of "kind: name name?:price ..."; `?` is nullable, `!` only for where."""
    found = {}
    for line in text.strip().splitlines():
        kind, _, names = line.partition(":")
        for word in names.split():
            name, _, price = word.partition(":")
            found[name.strip("?!")] = Column(
                kind.strip(), int(price or 1), "?" in name, "!" not in name, "!" not in name
            )
    return found


BACKLINKS = _table("""
    text: url_from url_to anchor title
    float: domain_rating_source domain_rating_target url_rating_source
    time: first_seen first_seen_link last_visited last_seen?
    date: source_page_publish_date?
    int: ahrefs_rank_source ahrefs_rank_target class_c:5 http_code link_group_count
    int: linked_domains_source_domain linked_domains_source_page linked_domains_target_domain
    int: links_external links_internal page_size port_source port_target positions redirect_code?
    int: refdomains_source:5 refdomains_source_domain:5 refdomains_target_domain:5
    int: traffic:10 traffic_domain:10
    bool: http_crawl is_alternate is_canonical is_content is_dofollow is_form is_frame is_image
    bool: is_lost is_new is_nofollow is_redirect is_redirect_lost is_root_source is_root_target
    bool: is_rss is_spam is_sponsored is_text is_ugc js_crawl noindex
    text: encoding link_type name_source name_target root_name_source root_name_target
    text: snippet_left snippet_right tld_class_source tld_class_target url_from_plain url_to_plain
    text: alt? broken_redirect_new_target? broken_redirect_reason? broken_redirect_source?
    text: discovered_status? drop_reason? ip_source? lost_reason? page_category_source?
    text: page_type_source? source_page_author?
    list: languages powered_by url_redirect_with_target redirect_kind url_redirect
    bool: is_homepage_link! is_non_html!
    int: len_url_redirect! positions_source_domain!
""")
BACKLINKS["link_group_count"] = BACKLINKS["link_group_count"]._replace(sortable=False)

KEYWORDS = _table("""
    text: keyword keyword_country language? best_position_url?
    int: best_position? best_position_prev? volume?:10 keyword_difficulty?:10 sum_traffic?:10
    int: cpc? words
    bool: is_branded is_navigational is_informational is_commercial is_transactional
    time: last_update
    list: serp_features
""")

BATCH = _table("""
    text: url mode protocol ip?
    int: index
    float: domain_rating url_rating
    int: ahrefs_rank? backlinks refdomains:5 org_keywords org_traffic:10
""")
