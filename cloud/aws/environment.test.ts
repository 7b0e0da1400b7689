import assert from "node:assert/strict";
import {
	EnvironmentError,
	readEnvironment,
	writeEnvironment,
} from "./environment.ts";

const TOPIC = "arn:aws:sns:eu-central-1:123456789012:thinghz-mail-";
const SECRET =
	"arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf";

function errorOf(read: () => unknown): EnvironmentError {
	try {
		read();
	} catch (error) {
		assert.ok(error instanceof EnvironmentError, String(error));
		return error;
	}
	assert.fail("It was taken.");
}

describe("A function's environment", () => {
	it("is read as what it says", () => {
		const environment = readEnvironment("ingest", {
			THINGHZ_BLOCKS_TABLE: "thinghz-blocks",
			THINGHZ_RECORDS_TABLE: "thinghz-records",
			THINGHZ_RETENTION_DAYS: "396",
			PATH: "/usr/bin",
		});
		assert.deepEqual(environment, {
			blocksTable: "thinghz-blocks",
			recordsTable: "thinghz-records",
			retentionDays: 396,
		});
	});

	it("names all the variables that are missing at once", () => {
		const error = errorOf(() => readEnvironment("ingest", {}));
		assert.equal(error.code, "bad_environment");
		assert.deepEqual(error.variables, [
			"THINGHZ_BLOCKS_TABLE",
			"THINGHZ_RECORDS_TABLE",
			"THINGHZ_RETENTION_DAYS",
		]);
		assert.match(error.message, /^ingest cannot start: .* is not set;/);
	});

	it("takes an empty variable for a missing one", () => {
		const error = errorOf(() =>
			readEnvironment("presence", { THINGHZ_RECORDS_TABLE: "" }),
		);
		assert.deepEqual(error.variables, ["THINGHZ_RECORDS_TABLE"]);
	});

	it("names what is malformed beside what is missing, and says what it should be", () => {
		const error = errorOf(() =>
			readEnvironment("ingest", {
				THINGHZ_BLOCKS_TABLE: "no spaces",
				THINGHZ_RETENTION_DAYS: "0",
			}),
		);
		assert.deepEqual(error.variables, [
			"THINGHZ_BLOCKS_TABLE",
			"THINGHZ_RECORDS_TABLE",
			"THINGHZ_RETENTION_DAYS",
		]);
		assert.match(error.message, /a whole number of days .*, not "0"/);
	});

	for (const days of ["0", "-1", "1.5", "1e3", " 7", "36501", "ninety"]) {
		it(`does not take ${JSON.stringify(days)} for a number of days`, () => {
			const error = errorOf(() =>
				readEnvironment("ingest", {
					THINGHZ_BLOCKS_TABLE: "blocks",
					THINGHZ_RECORDS_TABLE: "records",
					THINGHZ_RETENTION_DAYS: days,
				}),
			);
			assert.deepEqual(error.variables, ["THINGHZ_RETENTION_DAYS"]);
		});
	}

	it("has what is optional where it is absent", () => {
		const environment = readEnvironment("notify", {
			THINGHZ_RECORDS_TABLE: "records",
		});
		assert.equal(environment.pageUrl, null);
		assert.equal(environment.emailTopicPrefix, null);
		assert.deepEqual(environment.platformApplications, {});
	});

	for (const [name, text] of [
		["THINGHZ_PAGE_URL", "http://example.com"],
		["THINGHZ_PAGE_URL", "example.com"],
		["THINGHZ_EMAIL_TOPIC_PREFIX", "alerts"],
		["THINGHZ_PLATFORM_APPLICATIONS", "{"],
		["THINGHZ_PLATFORM_APPLICATIONS", "[]"],
		["THINGHZ_PLATFORM_APPLICATIONS", "null"],
		["THINGHZ_PLATFORM_APPLICATIONS", '{"apns":"not an ARN"}'],
	] as const) {
		it(`refuses ${text} as ${name}, though it is optional`, () => {
			const error = errorOf(() =>
				readEnvironment("notify", {
					THINGHZ_RECORDS_TABLE: "records",
					[name]: text,
				}),
			);
			assert.deepEqual(error.variables, [name]);
		});
	}

	it("is written so that it reads the same", () => {
		const values = {
			recordsTable: "records",
			pageUrl: "https://example.com/",
			emailTopicPrefix: TOPIC,
			platformApplications: { apns: TOPIC },
			webhookSecretArn: SECRET,
		};
		const written = writeEnvironment("notify", values);
		assert.deepEqual(readEnvironment("notify", written), values);
	});

	it("is written without what is not there", () => {
		const values = {
			recordsTable: "records",
			pageUrl: null,
			emailTopicPrefix: null,
			platformApplications: {},
			webhookSecretArn: null,
		};
		const written = writeEnvironment("notify", values);
		assert.deepEqual(Object.keys(written), [
			"THINGHZ_RECORDS_TABLE",
			"THINGHZ_PLATFORM_APPLICATIONS",
		]);
		assert.deepEqual(readEnvironment("notify", written), values);
	});
});
