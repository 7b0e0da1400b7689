import assert from "node:assert/strict";
import { Secrets } from "./secrets.ts";
import { Template } from "./template.ts";

function template(): Template {
	return new Template({
		Resources: {
			Plain: {
				Type: "AWS::SecretsManager::Secret",
				Properties: { Name: "plain", GenerateSecretString: {} },
			},
			Person: {
				Type: "AWS::SecretsManager::Secret",
				Properties: {
					Name: "person",
					GenerateSecretString: {
						SecretStringTemplate: '{"username":"ada"}',
						GenerateStringKey: "password",
						PasswordLength: 40,
					},
				},
			},
		},
	});
}

describe("Secrets in a rehearsal", () => {
	const made = template();
	const secrets = new Secrets(made);
	const arnOf = (id: string) => made.ref(made.resource(id));

	it("are made as long as the template says, once", () => {
		assert.equal(secrets.value(arnOf("Plain"))?.length, 32);
		assert.equal(secrets.value(arnOf("Plain")), secrets.value(arnOf("Plain")));
		assert.notEqual(
			secrets.value(arnOf("Plain")),
			new Secrets(template()).value(arnOf("Plain")),
		);
	});

	it("have what stands in their templates beside what is made", () => {
		const value = JSON.parse(secrets.value(arnOf("Person")) ?? "");
		assert.deepEqual(Object.keys(value), ["username", "password"]);
		assert.equal(value.username, "ada");
		assert.equal(value.password.length, 40);
	});

	it("are put where a property refers to them", () => {
		const { password } = JSON.parse(secrets.value(arnOf("Person")) ?? "");
		const reference = (key: string, id = "Person") =>
			`{{resolve:secretsmanager:${arnOf(id)}:SecretString:${key}::}}`;
		assert.equal(
			secrets.resolve(`a${reference("username")}b${reference("password")}c`),
			`aadab${password}c`,
		);
		assert.equal(secrets.resolve("nothing"), "nothing");
		assert.throws(() => secrets.resolve(reference("token")), /no secret/);
		assert.throws(
			() =>
				secrets.resolve(
					"{{resolve:secretsmanager:arn:aws:secretsmanager:r:1:secret:other:SecretString:x::}}",
				),
			/no secret/,
		);
	});

	it("are not there by any other ARN", () => {
		assert.equal(secrets.value("arn:aws:secretsmanager:r:1:secret:x"), null);
	});
});
