/** Topic filters, as MQTT 3.1.1, 4.7 has them. */

/** Whether a filter that begins with no wildcard matches a topic. */
export function matches(filter: string, topic: string): boolean {
	if (filter === topic) return true;
	const wanted = filter.split("/");
	const given = topic.split("/");
	for (const [at, level] of wanted.entries()) {
		// Also what it follows: "a/#" matches "a" (4.7.1.2).
		if (level === "#") return true;
		if (at >= given.length) return false;
		if (level !== "+" && level !== given[at]) return false;
	}
	return wanted.length === given.length;
}

/** @returns the best quality of service among the filters that match, null when none does */
export function grantedQos(
	filters: ReadonlyMap<string, 0 | 1>,
	topic: string,
): 0 | 1 | null {
	let best: 0 | 1 | null = null;
	for (const [filter, qos] of filters) {
		if (best !== 1 && (best === null || qos > best) && matches(filter, topic)) {
			best = qos;
		}
	}
	return best;
}
