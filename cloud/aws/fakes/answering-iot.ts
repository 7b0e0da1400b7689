/** A client of AWS IoT that answers what a test says, by the names of commands; AWS itself is not asked. */
import assert from "node:assert/strict";
import type { IoTClient } from "@aws-sdk/client-iot";

// biome-ignore lint/suspicious/noExplicitAny: what a test says it is
type Input = any;

export type Answers = Readonly<
	Record<string, object | Error | ((input: Input) => object | Error)>
>;

export interface AnsweringIot {
	readonly client: IoTClient;
	readonly asked: { readonly name: string; readonly input: Input }[];
	names(): string[];
}

/** What no answer is there for is not to be asked. */
export function answeringIot(answers: Answers): AnsweringIot {
	const asked: AnsweringIot["asked"] = [];
	const send = async (command: {
		readonly input: Input;
		readonly constructor: { readonly name: string };
	}) => {
		const name = command.constructor.name.replace(/Command$/, "");
		asked.push({ name, input: command.input });
		const given = answers[name];
		assert.ok(given !== undefined, `${name} was not expected`);
		const answer = typeof given === "function" ? given(command.input) : given;
		if (answer instanceof Error) throw answer;
		return answer;
	};
	return {
		client: { send } as unknown as IoTClient,
		asked,
		names: () => asked.map(({ name }) => name),
	};
}

/** As AWS refuses, by the exception's name. */
export function awsRefusal(name: string): Error {
	return Object.assign(new Error("No."), { name });
}
