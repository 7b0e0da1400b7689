import assert from "node:assert/strict";
import fc from "fast-check";
import { matches } from "./filters.ts";
import { mayPublish, maySubscribe } from "./permissions.ts";

const level = fc.constantFrom(
	"thinghz",
	"$aws",
	"things",
	"node-1",
	"node-2",
	"shadow",
	"get",
	"+",
	"x",
	"",
);
const filters = fc
	.tuple(fc.array(level, { minLength: 1, maxLength: 6 }), fc.boolean())
	.map(([levels, some]) => (some ? [...levels, "#"] : levels).join("/"));
const topics = fc
	.array(
		level.filter((name) => name !== "+"),
		{ minLength: 1, maxLength: 7 },
	)
	.map((levels) => levels.join("/"));

/** MQTT 3.1.1, 4.7, word for word. */
function canMatch(filter: string, topic: string): boolean {
	if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
	const wanted = filter.split("/");
	const given = topic.split("/");
	for (const [at, each] of wanted.entries()) {
		if (each === "#") return true;
		if (at >= given.length) return false;
		if (each !== "+" && each !== given[at]) return false;
	}
	return wanted.length === given.length;
}

describe("permissions of a thing", () => {
	it("no filter that is allowed matches a topic of another thing", () => {
		fc.assert(
			fc.property(filters, topics, (filter, topic) => {
				if (!maySubscribe("node-1", filter) || !canMatch(filter, topic)) return;
				const isOwn = /^(thinghz|\$aws\/things)\/node-1(\/|$)/.test(topic);
				assert.ok(isOwn, `${filter} matches ${topic}`);
			}),
			{ numRuns: 5000 },
		);
	});

	it("filters match as MQTT 3.1.1 says", () => {
		fc.assert(
			fc.property(filters, topics, (filter, topic) => {
				if (/^[+#]/.test(filter)) return;
				assert.equal(matches(filter, topic), canMatch(filter, topic));
			}),
			{ numRuns: 5000 },
		);
	});

	it("no topic that may be published to is another thing's", () => {
		fc.assert(
			fc.property(topics, (topic) => {
				if (mayPublish("node-1", topic)) {
					assert.match(topic, /^(thinghz|\$aws\/things)\/node-1\//);
				}
			}),
			{ numRuns: 5000 },
		);
	});

	for (const topic of [
		"thinghz/node-1/anything/below",
		"$aws/things/node-1/shadow/get",
		"$aws/things/node-1/shadow/name/config/update",
		"$aws/things/node-1/jobs/start-next",
		"$aws/things/node-1/jobs/job-7/update",
		"$aws/things/node-1/streams/firmware/get/json",
		"$aws/certificates/create-from-csr/json",
		"$aws/certificates/create/json",
	]) {
		it(`allows publishing to ${topic}`, () => {
			assert.ok(mayPublish("node-1", topic));
		});
	}

	for (const topic of [
		"thinghz/node-1/+",
		"thinghz/node-1/#",
		"thinghz/node-11/x",
		"thinghz/node-1/a\u0000b",
		`thinghz/node-1/${"x".repeat(250)}`,
		"thinghz/node-1/1/2/3/4/5/6/7",
		"$aws/things/node-1/jobs/notify-next",
		"$aws/things/node-1/shadow/name/config/update/accepted",
		"$aws/things/node-1/streams/firmware/data/json",
		"$aws/things/node-1/streams/firmware/get/cbor",
		"$aws/things/node-1/shadow/name/a/b/update",
		"$aws/certificates/create/cbor",
	]) {
		it(`does not allow publishing to ${JSON.stringify(topic).slice(0, 60)}`, () => {
			assert.ok(!mayPublish("node-1", topic));
		});
	}

	for (const filter of [
		"$aws/things/node-1/#",
		"$aws/things/node-1/+/notify",
		"$aws/things/node-1/shadow/#",
		"$aws/things/node-1/shadow/name/+/update/delta",
		"$aws/things/node-1/jobs/notify-next",
		"$aws/things/node-1/streams/+/data/json",
		// These hear nothing, and are not told apart: what is below shadows and streams is a name's to say.
		"$aws/things/node-1/streams/+/data/cbor",
		"$aws/things/node-1/shadow/name/$package/update/accepted",
		"$aws/certificates/create/json/accepted",
	]) {
		it(`allows subscribing to ${filter}`, () => {
			assert.ok(maySubscribe("node-1", filter));
		});
	}

	it("the holder of a claim certificate may ask for a certificate and a thing, and nothing else", () => {
		for (const topic of [
			"$aws/certificates/create-from-csr/json",
			"$aws/certificates/create/json",
			"$aws/provisioning-templates/thinghz/provision/json",
		]) {
			assert.ok(mayPublish(null, topic));
			assert.ok(maySubscribe(null, `${topic}/accepted`));
			assert.ok(maySubscribe(null, `${topic}/rejected`));
			assert.ok(!maySubscribe(null, topic));
			assert.ok(!mayPublish(null, `${topic}/accepted`));
		}
		for (const topic of [
			"thinghz/null/x",
			"$aws/things/null/shadow/get",
			"$aws/certificates/create/cbor",
			"$aws/provisioning-templates/other/provision/json",
		]) {
			assert.ok(!mayPublish(null, topic), topic);
			assert.ok(!maySubscribe(null, topic), topic);
		}
		assert.ok(!maySubscribe(null, "$aws/certificates/#"));
	});
});
