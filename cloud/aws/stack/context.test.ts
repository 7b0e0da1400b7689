import assert from "node:assert/strict";
import {
	CONTEXT_KEYS,
	ContextError,
	type ContextInput,
	parseContext,
} from "./context.ts";

/** The problems of a context that is refused, by key. */
function problemsOf(input: ContextInput): Readonly<Record<string, string>> {
	try {
		parseContext(input);
	} catch (error) {
		assert.ok(error instanceof ContextError);
		return Object.fromEntries(
			error.problems.map(({ key, detail }) => [key, detail]),
		);
	}
	assert.fail("The context was taken.");
}

const CERTIFICATE =
	"arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000";
const APNS = "arn:aws:sns:eu-west-1:111122223333:app/APNS/thinghz";
const FCM = "arn:aws:sns:eu-west-1:111122223333:app/GCM/thinghz";

describe("the context of the stack", () => {
	it("has a value for every key that is not given", () => {
		const context = parseContext({});
		assert.equal(context.region, null);
		assert.deepEqual(context.timeseries, { store: "none" });
		assert.equal(context.retentionDays, 92);
		assert.equal(context.grafana, null);
		assert.equal(context.mfa, "optional");
		assert.equal(context.xray, "api");
		assert.equal(context.protect, true);
	});

	it("takes text and what JSON has alike", () => {
		assert.deepEqual(
			parseContext({ grafana: true, grafanaSignIn: "sso", logDays: 7 }),
			parseContext({ grafana: "true", grafanaSignIn: "sso", logDays: "7" }),
		);
	});

	it("keeps rows in Timestream as long as blocks when nothing else is said", () => {
		assert.deepEqual(
			parseContext({ timeseries: "timestream", retentionDays: "30" })
				.timeseries,
			{ store: "timestream", memoryHours: 24, days: 30 },
		);
	});

	it("sizes InfluxDB when nothing else is said", () => {
		assert.deepEqual(parseContext({ timeseries: "influxdb" }).timeseries, {
			store: "influxdb",
			instanceType: "db.influx.medium",
			storageGib: 20,
		});
	});

	it("takes every size of instance", () => {
		for (const size of ["medium", "large", "xlarge", "2xlarge", "24xlarge"]) {
			const influxInstanceType = `db.influx.${size}`;
			const { timeseries } = parseContext({
				timeseries: "influxdb",
				influxInstanceType,
			});
			assert.ok(timeseries.store === "influxdb");
			assert.equal(timeseries.instanceType, influxInstanceType);
		}
	});

	it("takes everything at once", () => {
		const context = parseContext({
			region: "eu-west-1",
			account: "111122223333",
			retentionDays: 400,
			timeseries: "timestream",
			timestreamMemoryHours: 48,
			timestreamDays: 3650,
			grafana: true,
			grafanaSignIn: "saml",
			alarmEmail: "ops@example.com",
			budgetUsd: 50,
			domainName: "things.example.com",
			certificateArn: CERTIFICATE,
			webAclArn:
				"arn:aws:wafv2:us-east-1:111122223333:global/webacl/thinghz/0f1e2d3c",
			signInPrefix: "things-of-ours",
			mfa: "required",
			pushApnsArn: APNS,
			pushFcmArn: FCM,
			xray: "all",
			logDays: 90,
			audit: false,
			ingestConcurrency: 50,
			apiRate: 200,
			protect: false,
		});
		assert.deepEqual(context.domain, {
			name: "things.example.com",
			certificateArn: CERTIFICATE,
		});
		assert.deepEqual(context.push, { apns: APNS, fcm: FCM });
	});

	it("refuses a key that it does not know, and says which is meant", () => {
		assert.match(problemsOf({ foo: "1" }).foo ?? "", /There are: region, /);
		assert.match(
			problemsOf({ "alarm-email": "a@b.example" })["alarm-email"] ?? "",
			/alarmEmail is meant/,
		);
		assert.match(
			problemsOf({ constructor: "1" }).constructor?.toString() ?? "",
			/no such key/,
		);
	});

	it("says everything that is wrong at once", () => {
		const problems = problemsOf({
			timeseries: "postgres",
			logDays: 31,
			nonsense: true,
		});
		assert.deepEqual(Object.keys(problems), [
			"timeseries",
			"logDays",
			"nonsense",
		]);
	});

	it("names the key in the error's message", () => {
		assert.throws(() => parseContext({ retentionDays: "0" }), {
			code: "bad_context",
			message:
				'retentionDays: "0" cannot be used; it takes a whole number, 1 to 3650.',
		});
	});

	const refused: readonly (readonly [string, unknown])[] = [
		["region", "Frankfurt"],
		["account", "1234"],
		["retentionDays", "3651"],
		["retentionDays", "-1"],
		["retentionDays", "12.5"],
		["retentionDays", ""],
		["timeseries", "influx"],
		["timeseries", null],
		["timeseries", ["influxdb"]],
		["timestreamMemoryHours", "8767"],
		["timestreamDays", "73001"],
		["influxInstanceType", "db.t3.micro"],
		["influxStorageGib", "19"],
		["grafana", "yes"],
		["grafanaSignIn", "password"],
		["alarmEmail", "ops"],
		["alarmEmail", "a@b.example, c@d.example"],
		["budgetUsd", "0"],
		["budgetUsd", "twenty"],
		["domainName", "https://things.example.com"],
		["domainName", "localhost"],
		["certificateArn", "arn:aws:iam::111122223333:server-certificate/x"],
		["webAclArn", "thinghz"],
		["signInPrefix", "Things"],
		["signInPrefix", "-things"],
		["mfa", "sms"],
		["pushApnsArn", FCM],
		["pushFcmArn", APNS],
		["xray", "true"],
		["logDays", "31"],
		["audit", "weekly"],
		["ingestConcurrency", "1"],
		["apiRate", "0"],
		["protect", "no"],
	];
	for (const [key, value] of refused) {
		it(`refuses ${key}=${JSON.stringify(value)} and says what it takes`, () => {
			assert.match(problemsOf({ [key]: value })[key] ?? "", /it takes /);
		});
	}

	it("has a value that is refused for every key", () => {
		assert.deepEqual(
			Object.keys(CONTEXT_KEYS).filter(
				(key) => !refused.some(([tried]) => tried === key),
			),
			[],
		);
	});

	const apart: readonly {
		readonly title: string;
		readonly given: ContextInput;
		readonly key: string;
		readonly mend: RegExp;
	}[] = [
		{
			title: "an account without a region",
			given: { account: "111122223333" },
			key: "account",
			mend: /give region/,
		},
		{
			title: "Timestream where it is not",
			given: { timeseries: "timestream", region: "sa-east-1" },
			key: "timeseries",
			mend: /not in sa-east-1: choose another region/,
		},
		{
			title: "a memory store that outlasts the rows",
			given: {
				timeseries: "timestream",
				timestreamMemoryHours: 100,
				timestreamDays: 4,
			},
			key: "timestreamMemoryHours",
			mend: /raise timestreamDays/,
		},
		{
			title: "a memory store that outlasts the rows, by the blocks' retention",
			given: {
				timeseries: "timestream",
				timestreamMemoryHours: 49,
				retentionDays: 2,
			},
			key: "timestreamMemoryHours",
			mend: /kept for 2 days/,
		},
		{
			title: "Timestream's retention without Timestream",
			given: { timestreamDays: 30 },
			key: "timestreamDays",
			mend: /timeseries=timestream only/,
		},
		{
			title: "Timestream's memory with InfluxDB",
			given: { timeseries: "influxdb", timestreamMemoryHours: 30 },
			key: "timestreamMemoryHours",
			mend: /timeseries is influxdb/,
		},
		{
			title: "InfluxDB's storage without InfluxDB",
			given: { influxStorageGib: 50 },
			key: "influxStorageGib",
			mend: /timeseries=influxdb only/,
		},
		{
			title: "InfluxDB's instance with Timestream",
			given: {
				timeseries: "timestream",
				influxInstanceType: "db.influx.2xlarge",
			},
			key: "influxInstanceType",
			mend: /timeseries is timestream/,
		},
		{
			title: "Grafana without a way to sign in",
			given: { grafana: true },
			key: "grafana",
			mend: /grafanaSignIn=sso .* or grafanaSignIn=saml/,
		},
		{
			title: "a way to sign in without Grafana",
			given: { grafanaSignIn: "sso" },
			key: "grafanaSignIn",
			mend: /grafana=true/,
		},
		{
			title: "a budget that nobody is told of",
			given: { budgetUsd: 20 },
			key: "budgetUsd",
			mend: /give alarmEmail/,
		},
		{
			title: "a domain without a certificate",
			given: { domainName: "things.example.com" },
			key: "domainName",
			mend: /give certificateArn/,
		},
		{
			title: "a certificate without a domain",
			given: { certificateArn: CERTIFICATE },
			key: "certificateArn",
			mend: /give domainName/,
		},
		{
			title: "a certificate where CloudFront does not look",
			given: {
				domainName: "things.example.com",
				certificateArn: CERTIFICATE.replace("us-east-1", "eu-west-1"),
			},
			key: "certificateArn",
			mend: /this one is in eu-west-1: make one there/,
		},
		{
			title: "a web ACL where CloudFront does not look",
			given: {
				webAclArn:
					"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/thinghz/0f1e2d3c",
			},
			key: "webAclArn",
			mend: /scope CLOUDFRONT/,
		},
		{
			title: "a prefix that Cognito does not allow",
			given: { signInPrefix: "my-cognito" },
			key: "signInPrefix",
			mend: /contains "cognito"/,
		},
		{
			title: "a platform application of another region",
			given: { region: "us-east-1", pushApnsArn: APNS },
			key: "pushApnsArn",
			mend: /in eu-west-1 and the stack in us-east-1/,
		},
		{
			title: "a platform application of another account",
			given: {
				region: "eu-west-1",
				account: "444455556666",
				pushFcmArn: FCM,
			},
			key: "pushFcmArn",
			mend: /belongs to account 111122223333/,
		},
	];
	for (const { title, given, key, mend } of apart) {
		it(`refuses ${title} and says how to mend it`, () => {
			assert.match(problemsOf(given)[key] ?? "", mend);
		});
	}
});
