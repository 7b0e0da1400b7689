import assert from "node:assert/strict";
import { ApiProblem } from "./api-problem.ts";
import { CommandError, exitCodeOfCode, UsageError } from "./errors.ts";

describe("the code that a command ends with", () => {
	it("is 2 for what it was given and cannot be", () => {
		assert.equal(new UsageError("No.").exitCode, 2);
		for (const code of ["invalid_name", "weak_passphrase", "bad_wifi"])
			assert.equal(exitCodeOfCode(code), 2, code);
	});

	it("is 1 for what could not be done", () => {
		assert.equal(new CommandError("No.").exitCode, 1);
		assert.equal(new ApiProblem("unknown_device", "No.").exitCode, 1);
		for (const code of ["no_port", "file_access", "unavailable", "denied"])
			assert.equal(exitCodeOfCode(code), 1, code);
	});
});
