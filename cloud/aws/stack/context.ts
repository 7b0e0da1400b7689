/**
 * What can be chosen of the stack. Values come as text (`-c key=value`) or from a JSON file; all of them are judged,
 * alone and together, before anything is synthesized, and everything that is wrong is said at once.
 */

/** What was chosen, ready to build from. */
export interface Context {
	/** Null: the stack can be deployed to any region, and what depends on it is not checked. */
	readonly region: string | null;
	readonly account: string | null;
	/** How long blocks are kept, days. */
	readonly retentionDays: number;
	readonly timeseries:
		| { readonly store: "none" }
		| {
				readonly store: "timestream";
				/** How long rows stay in the memory store, hours; later ones go to the magnetic store at once. */
				readonly memoryHours: number;
				/** How long rows are kept in all, days. */
				readonly days: number;
		  }
		| {
				readonly store: "influxdb";
				readonly instanceType: string;
				readonly storageGib: number;
		  };
	/** How people sign in to the Managed Grafana workspace; null for none. */
	readonly grafana: "sso" | "saml" | null;
	/** Who is told of alarms and of the budget; null for nobody. */
	readonly alarmEmail: string | null;
	/** A month's budget of the whole account, US dollars; null for none. */
	readonly budgetUsd: number | null;
	readonly domain: {
		readonly name: string;
		/** Of AWS Certificate Manager, in us-east-1, where CloudFront looks for it. */
		readonly certificateArn: string;
	} | null;
	/** A web ACL of AWS WAF in front of the page and the API; null for none. */
	readonly webAclArn: string | null;
	/** Prefix of the hosted sign-in's domain; null to make one of the account's number. */
	readonly signInPrefix: string | null;
	readonly mfa: "off" | "optional" | "required";
	/** SNS platform applications for mobile push, by the platform that subscriptions name. */
	readonly push: { readonly apns: string | null; readonly fcm: string | null };
	/** Which functions send traces to X-Ray. */
	readonly xray: "none" | "api" | "all";
	/** How long logs are kept, days. */
	readonly logDays: number;
	/** Whether Device Defender audits the account's IoT settings, once a week. */
	readonly audit: boolean;
	/** How many ingest functions may run at a time. */
	readonly ingestConcurrency: number;
	/** Requests a second to the API, of all callers together; twice as many in a burst. */
	readonly apiRate: number;
	/** Whether tables, user pool and stack are protected from being deleted. */
	readonly protect: boolean;
}

/** What is wrong with a key's value, and how to mend it. */
export interface ContextProblem {
	readonly key: string;
	/** A sentence for people. */
	readonly detail: string;
}

export class ContextError extends Error {
	override readonly name = "ContextError";
	readonly code = "bad_context";
	readonly problems: readonly ContextProblem[];

	constructor(problems: readonly ContextProblem[]) {
		super(problems.map(({ key, detail }) => `${key}: ${detail}`).join("\n"));
		this.problems = problems;
	}
}

/** A value as it may be given: text, or what JSON has. */
export type ContextInput = Readonly<Record<string, unknown>>;

/** How the text of one key is read. */
interface Key<T> {
	/** What it is for, in a few words: the table in docs/aws.md has them. */
	readonly about: string;
	/** What may be given, for people. */
	readonly values: string;
	/** What holds when it is not given. */
	readonly fallback: T;
	/** @returns undefined for what is none of the values */
	read(text: string): T | undefined;
}

function choice<const T extends string>(
	values: readonly T[],
	fallback: NoInfer<T>,
	about: string,
): Key<T> {
	return {
		about,
		values: values.join(", "),
		fallback,
		read: (text) => values.find((value) => value === text),
	};
}

function yesNo(fallback: boolean, about: string): Key<boolean> {
	return {
		about,
		values: "true, false",
		fallback,
		read: (text) =>
			text === "true" ? true : text === "false" ? false : undefined,
	};
}

function readWhole(text: string, least: number, most: number) {
	const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
	return value >= least && value <= most ? value : undefined;
}

function whole<T extends number | null>(
	least: number,
	most: number,
	fallback: T,
	about: string,
): Key<number | T> {
	return {
		about,
		values: `a whole number, ${least} to ${most}`,
		fallback,
		read: (text) => readWhole(text, least, most),
	};
}

function pattern(
	expression: RegExp,
	values: string,
	about: string,
): Key<string | null> {
	return {
		about,
		values,
		fallback: null,
		read: (text) => (expression.test(text) ? text : undefined),
	};
}

/** The retentions that CloudWatch Logs knows: API reference, PutRetentionPolicy. */
const LOG_DAYS = [
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827,
	2192, 2557, 2922, 3288, 3653,
];

/** Every key, in the order of the table in docs/aws.md. */
export const CONTEXT_KEYS = {
	region: pattern(
		/^[a-z]{2}(-[a-z]+)+-\d$/,
		"the name of an AWS region, like eu-central-1",
		"region to deploy to; without it the stack fits any",
	),
	account: pattern(
		/^\d{12}$/,
		"12 digits",
		"account to deploy to; without it whichever the credentials are of",
	),
	retentionDays: whole(1, 3650, 92, "how long blocks are kept"),
	timeseries: choice(
		["none", "timestream", "influxdb"],
		"none",
		"database of rows beside the blocks, for SQL and Grafana",
	),
	timestreamMemoryHours: whole(
		1,
		8766,
		null,
		"hours that rows stay in Timestream's memory store (24 when not given)",
	),
	timestreamDays: whole(
		1,
		73000,
		null,
		"days that Timestream keeps rows (as `retentionDays` when not given)",
	),
	influxInstanceType: pattern(
		/^db\.influx\.(medium|large|(\d{1,2})?xlarge)$/,
		"an instance type of Timestream for InfluxDB, like db.influx.medium",
		"size of the InfluxDB instance (db.influx.medium when not given)",
	),
	influxStorageGib: whole(
		20,
		16384,
		null,
		"storage of the InfluxDB instance in GiB (20 when not given)",
	),
	grafana: yesNo(false, "a Managed Grafana workspace"),
	grafanaSignIn: {
		about: "how people sign in to Grafana: IAM Identity Center or SAML",
		values: "sso, saml",
		fallback: null,
		read: (text) => (text === "sso" || text === "saml" ? text : undefined),
	} as Key<"sso" | "saml" | null>,
	alarmEmail: pattern(
		/^[^\s@,;"<>]+@[^\s@,;"<>]+\.[^\s@,;"<>.]+$/,
		"an e-mail address",
		"who is told of alarms and of the budget",
	),
	budgetUsd: whole(
		1,
		1_000_000,
		null,
		"US dollars a month of the whole account; at 80 % and above, spent or forecast, `alarmEmail` is told",
	),
	domainName: pattern(
		/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
		"a domain name in lower case, like things.example.com",
		"the page's own name; its DNS record is yours to make",
	),
	certificateArn: pattern(
		/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]+$/,
		"the ARN of a certificate in AWS Certificate Manager",
		"the certificate for `domainName`",
	),
	webAclArn: pattern(
		/^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:[a-z]+\/webacl\/.+$/,
		"the ARN of a web ACL of AWS WAF",
		"a web ACL of yours in front of page and API",
	),
	signInPrefix: pattern(
		/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
		"1 to 63 of a-z, 0-9 and hyphens within",
		"prefix of the hosted sign-in's domain (`thinghz-ACCOUNT` when not given)",
	),
	mfa: choice(
		["off", "optional", "required"],
		"optional",
		"a second factor (authenticator app) at sign-in",
	),
	pushApnsArn: pattern(
		/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app\/APNS(_SANDBOX)?\/[\w.-]+$/,
		"the ARN of an SNS platform application for APNS",
		"push to iPhones",
	),
	pushFcmArn: pattern(
		/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app\/GCM\/[\w.-]+$/,
		"the ARN of an SNS platform application for GCM (FCM)",
		"push to Android telephones",
	),
	xray: choice(
		["none", "api", "all"],
		"api",
		"which functions send traces to X-Ray",
	),
	logDays: {
		about: "how long logs are kept",
		values: LOG_DAYS.join(", "),
		fallback: 30,
		read: (text) => LOG_DAYS.find((days) => String(days) === text),
	} as Key<number>,
	audit: yesNo(
		true,
		"a weekly Device Defender audit; it is set for a whole account and region, so `false` where another stack has it",
	),
	ingestConcurrency: whole(
		2,
		1000,
		10,
		"how many ingest functions run at a time",
	),
	apiRate: whole(
		1,
		10_000,
		50,
		"requests a second to the API, of all callers together",
	),
	protect: yesNo(
		true,
		"deletion protection of tables, user pool and stack; data is retained either way",
	),
} satisfies Readonly<Record<string, Key<unknown>>>;

type Keys = typeof CONTEXT_KEYS;
type KeyName = keyof Keys;
type Values = { [K in KeyName]: Keys[K] extends Key<infer T> ? T : never };

/**
 * Where Timestream for LiveAnalytics is: https://docs.aws.amazon.com/general/latest/gr/timestream.html. It takes no new
 * customers, so no region will be added.
 */
const TIMESTREAM_REGIONS = [
	"ap-northeast-1",
	"ap-south-1",
	"ap-southeast-2",
	"eu-central-1",
	"eu-west-1",
	"us-east-1",
	"us-east-2",
	"us-gov-west-1",
	"us-west-2",
];

/** @throws ContextError that names every key that is wrong */
export function parseContext(input: ContextInput): Context {
	const problems: ContextProblem[] = [];
	const values = readValues(input, problems);
	// Whether values go together can only be said of those that are values.
	if (problems.length === 0) checkTogether(values, problems);
	if (problems.length > 0) throw new ContextError(problems);
	return toContext(values);
}

function readValues(input: ContextInput, problems: ContextProblem[]): Values {
	const values: Record<string, unknown> = {};
	for (const [key, { fallback }] of Object.entries(CONTEXT_KEYS)) {
		values[key] = fallback;
	}
	for (const [key, given] of Object.entries(input)) {
		if (!isKey(key)) {
			problems.push({ key, detail: unknownKey(key) });
			continue;
		}
		const value =
			typeof given === "object" ? undefined : readOne(key, String(given));
		if (value === undefined) {
			problems.push({
				key,
				detail: `${JSON.stringify(given)} cannot be used; it takes ${CONTEXT_KEYS[key].values}.`,
			});
			continue;
		}
		values[key] = value;
	}
	return values as Values;
}

function isKey(key: string): key is KeyName {
	return Object.hasOwn(CONTEXT_KEYS, key);
}

function readOne(key: KeyName, text: string): unknown {
	return CONTEXT_KEYS[key].read(text.trim());
}

function unknownKey(key: string): string {
	const names = Object.keys(CONTEXT_KEYS);
	const like = names.find(
		(name) => name.toLowerCase() === key.toLowerCase().replaceAll(/[-_]/g, ""),
	);
	return like === undefined
		? `there is no such key. There are: ${names.join(", ")}.`
		: `there is no such key; ${like} is meant, perhaps.`;
}

function checkTogether(values: Values, problems: ContextProblem[]): void {
	const say = (key: KeyName, detail: string) => problems.push({ key, detail });
	checkPlace(values, say);
	checkTimeseries(values, say);
	checkPeople(values, say);
	checkPush(values, "pushApnsArn", say);
	checkPush(values, "pushFcmArn", say);
	if (values.budgetUsd !== null && values.alarmEmail === null) {
		say(
			"budgetUsd",
			"a budget has to be told to somebody: give alarmEmail as well.",
		);
	}
}

type Say = (key: KeyName, detail: string) => void;

function checkPlace({ region, account }: Values, say: Say): void {
	if (account !== null && region === null) {
		say("account", "an account alone says too little: give region as well.");
	}
}

function checkTimeseries(values: Values, say: Say): void {
	const { timeseries, region } = values;
	const timestreamKeys = ["timestreamMemoryHours", "timestreamDays"] as const;
	const influxKeys = ["influxInstanceType", "influxStorageGib"] as const;
	for (const key of timestreamKeys) {
		if (values[key] === null || timeseries === "timestream") continue;
		say(
			key,
			`it says something with timeseries=timestream only, and timeseries is ${timeseries}.`,
		);
	}
	for (const key of influxKeys) {
		if (values[key] === null || timeseries === "influxdb") continue;
		say(
			key,
			`it says something with timeseries=influxdb only, and timeseries is ${timeseries}.`,
		);
	}
	if (timeseries !== "timestream") return;
	if (region !== null && !TIMESTREAM_REGIONS.includes(region)) {
		say(
			"timeseries",
			`Timestream for LiveAnalytics is not in ${region}: choose another region (${TIMESTREAM_REGIONS.join(", ")}), or timeseries=influxdb or none.`,
		);
	}
	const { memoryHours, days } = timestreamRetention(values);
	if (memoryHours > days * 24) {
		say(
			"timestreamMemoryHours",
			`rows cannot stay in memory for ${memoryHours} hours when they are kept for ${days} days: raise timestreamDays, or lower this.`,
		);
	}
}

function checkPeople(values: Values, say: Say): void {
	if (values.grafana && values.grafanaSignIn === null) {
		say(
			"grafana",
			"a workspace needs to know how people sign in: give grafanaSignIn=sso (IAM Identity Center) or grafanaSignIn=saml.",
		);
	}
	if (!values.grafana && values.grafanaSignIn !== null) {
		say("grafanaSignIn", "it says something with grafana=true only.");
	}
	if (values.domainName !== null && values.certificateArn === null) {
		say(
			"domainName",
			"a name of your own needs a certificate: give certificateArn as well.",
		);
	}
	if (values.certificateArn !== null && values.domainName === null) {
		say(
			"certificateArn",
			"a certificate is for a name: give domainName as well.",
		);
	}
	for (const key of ["certificateArn", "webAclArn"] as const) {
		const arn = values[key];
		if (arn === null || arn.split(":")[3] === "us-east-1") continue;
		say(
			key,
			`CloudFront takes it from us-east-1 only, whatever the stack's region is, and this one is in ${arn.split(":")[3]}: make one there.`,
		);
	}
	if (values.webAclArn?.split(":")[5]?.startsWith("regional/")) {
		say(
			"webAclArn",
			"CloudFront takes a web ACL of scope CLOUDFRONT, and this one is REGIONAL.",
		);
	}
	const reserved = /aws|amazon|cognito/.exec(values.signInPrefix ?? "");
	if (reserved !== null) {
		say(
			"signInPrefix",
			`Cognito allows no prefix that contains "${reserved[0]}": choose another.`,
		);
	}
}

/** A platform application is used from where it is. */
function checkPush(
	values: Values,
	key: "pushApnsArn" | "pushFcmArn",
	say: Say,
): void {
	const [, , , region, account] = values[key]?.split(":") ?? [];
	if (region !== undefined && values.region !== null) {
		if (region !== values.region) {
			say(
				key,
				`the platform application is in ${region} and the stack in ${values.region}: make one there.`,
			);
		}
	}
	if (account !== undefined && values.account !== null) {
		if (account !== values.account) {
			say(
				key,
				`the platform application belongs to account ${account} and the stack to ${values.account}.`,
			);
		}
	}
}

function timestreamRetention(values: Values) {
	return {
		memoryHours: values.timestreamMemoryHours ?? 24,
		days: values.timestreamDays ?? values.retentionDays,
	};
}

function toContext(values: Values): Context {
	return {
		region: values.region,
		account: values.account,
		retentionDays: values.retentionDays,
		timeseries: toTimeseries(values),
		grafana: values.grafanaSignIn,
		alarmEmail: values.alarmEmail,
		budgetUsd: values.budgetUsd,
		domain:
			values.domainName === null || values.certificateArn === null
				? null
				: { name: values.domainName, certificateArn: values.certificateArn },
		webAclArn: values.webAclArn,
		signInPrefix: values.signInPrefix,
		mfa: values.mfa,
		push: { apns: values.pushApnsArn, fcm: values.pushFcmArn },
		xray: values.xray,
		logDays: values.logDays,
		audit: values.audit,
		ingestConcurrency: values.ingestConcurrency,
		apiRate: values.apiRate,
		protect: values.protect,
	};
}

function toTimeseries(values: Values): Context["timeseries"] {
	switch (values.timeseries) {
		case "timestream":
			return { store: "timestream", ...timestreamRetention(values) };
		case "influxdb":
			return {
				store: "influxdb",
				instanceType: values.influxInstanceType ?? "db.influx.medium",
				storageGib: values.influxStorageGib ?? 20,
			};
		case "none":
			return { store: "none" };
	}
}
