/**
 * Who may do what, by the template: roles and whom they may be assumed by, and who may invoke functions. Refusals are
 * kept: one of them is a rehearsal that failed, whatever else went well.
 */
import { RehearsalError } from "./errors.ts";
import {
	isAllowed,
	matchesPattern,
	type PolicyStatement,
	statementsOfRole,
} from "./iam.ts";
import { isObject, listIn, objectIn, textIn, textsIn } from "./json.ts";
import type { Resource, Template } from "./template.ts";

export class Permissions {
	/** What was asked for and not allowed, in sentences, once each. */
	readonly refusals = new Set<string>();
	/** What was asked for and allowed, "who action resource", once each. */
	readonly uses = new Set<string>();
	readonly #template: Template;
	readonly #statements = new Map<string, readonly PolicyStatement[]>();

	constructor(template: Template) {
		this.#template = template;
	}

	/**
	 * @param who for messages
	 * @param service that acts in the role: "lambda.amazonaws.com"
	 */
	may(
		who: string,
		roleArn: string,
		service: string,
		action: string,
		resource: string,
	): boolean {
		const role = this.#role(roleArn, who);
		const allowed =
			this.#isTrusted(role, service) &&
			isAllowed(this.#of(role), action, resource);
		if (allowed) this.uses.add(`${who} ${action} ${resource}`);
		else {
			this.refusals.add(
				this.#isTrusted(role, service)
					? `${who} may not ${action} on ${resource}: no policy of its role ${role.id} allows it.`
					: `${who} cannot act as its role ${role.id}, which does not trust ${service}.`,
			);
		}
		return allowed;
	}

	/** Keeps what is not possible for another reason than a policy. @param sentence for people */
	refuse(sentence: string): false {
		this.refusals.add(sentence);
		return false;
	}

	/** As `may`, only that nothing is kept of it: for asking what must not be allowed. */
	asks(
		roleArn: string,
		service: string,
		action: string,
		resource: string,
	): boolean {
		const role = this.#role(roleArn, "The rehearsal");
		return (
			this.#isTrusted(role, service) &&
			isAllowed(this.#of(role), action, resource)
		);
	}

	/** Whether a service may invoke a function, by the function's own policy. */
	mayInvoke(
		who: string,
		service: string,
		sourceArn: string,
		functionArn: string,
	): boolean {
		const allowed = this.#template
			.ofType("AWS::Lambda::Permission")
			.map((permission) => this.#template.properties(permission))
			.some(
				({ Principal, FunctionName, SourceArn, Action }) =>
					Action === "lambda:InvokeFunction" &&
					Principal === service &&
					[functionArn, functionArn.split(":").at(-1)].includes(
						String(FunctionName),
					) &&
					(SourceArn === undefined ||
						matchesPattern(textIn(SourceArn, "SourceArn"), sourceArn)),
			);
		if (!allowed) {
			this.refusals.add(
				`${who} may not invoke ${functionArn.split(":").at(-1)}: there is no AWS::Lambda::Permission for ${service} from ${sourceArn}.`,
			);
		}
		return allowed;
	}

	#of(role: Resource): readonly PolicyStatement[] {
		let statements = this.#statements.get(role.id);
		if (statements === undefined) {
			statements = statementsOfRole(this.#template, role);
			this.#statements.set(role.id, statements);
		}
		return statements;
	}

	#role(arn: string, who: string): Resource {
		const role = this.#template.find(arn, "Arn", "AWS::IAM::Role");
		if (role !== null) return role;
		throw new RehearsalError(
			"bad_wiring",
			`${who} has the role ${arn}, which the template does not have.`,
		);
	}

	#isTrusted(role: Resource, service: string): boolean {
		const { AssumeRolePolicyDocument } = this.#template.properties(role);
		const { Statement } = objectIn(AssumeRolePolicyDocument, role.id);
		return listIn(Statement, role.id)
			.map((one) => objectIn(one, role.id))
			.some(
				({ Effect, Action, Principal }) =>
					Effect === "Allow" &&
					textsIn(Action, role.id).includes("sts:AssumeRole") &&
					isObject(Principal) &&
					textsIn(Principal.Service, role.id).includes(service),
			);
	}
}
