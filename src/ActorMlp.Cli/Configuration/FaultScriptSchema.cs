using System.Text.Json.Nodes;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Configuration;

/// <summary>The JSON schema of fault scripts, made from <see cref="FaultRules"/>; editors complete and check scripts with it.</summary>
internal static class FaultScriptSchema
{
    private static readonly string[] Common = ["kind", "at", "every", "times"];

    public static string Generate()
    {
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "ActorMlp fault script",
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray("faults"),
            ["properties"] = new JsonObject
            {
                ["seed"] = new JsonObject
                {
                    ["description"] = "Decides random moments and targets.",
                    ["type"] = "integer",
                    ["minimum"] = 0,
                    ["default"] = FaultScript.None.Seed,
                },
                ["faults"] = new JsonObject
                {
                    ["description"] = "What happens.",
                    ["type"] = "array",
                    ["items"] = new JsonObject { ["oneOf"] = new JsonArray([.. Enum.GetValues<FaultKind>().Select(Fault)]) },
                },
            },
        };
        return schema.ToJsonString(RunOptionsJson.Indented) + "\n";
    }

    private static JsonNode Fault(FaultKind kind)
    {
        FaultRules rules = FaultRules.Of(kind);
        var properties = new JsonObject { ["kind"] = new JsonObject { ["enum"] = new JsonArray(OptionsReflection.Camel(kind.ToString())) } };
        foreach (string key in FaultScriptReader.FaultKeys.Where(key => key != "kind" && (Common.Contains(key) || rules.Takes(key))))
        {
            properties[key] = Property(key, rules);
        }

        return new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. new[] { "kind", "at" }.Concat(rules.Required).Select(key => (JsonNode)key)]),
            ["properties"] = properties,
        };
    }

    private static JsonObject Property(string key, FaultRules rules)
    {
        JsonObject schema = key switch
        {
            "at" => new JsonObject
            {
                ["oneOf"] = new JsonArray(
                    Section(new JsonObject { ["step"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1 } }, "step"),
                    Section(new JsonObject { ["time"] = Time() }, "time"),
                    Section(new JsonObject { ["random"] = Section(new JsonObject { ["from"] = Time(), ["to"] = Time() }, "to") }, "random")),
            },
            "times" => new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 1_000_000 },
            "target" => new JsonObject { ["oneOf"] = new JsonArray([.. Targets(rules)]) },
            "groups" => new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 2,
                ["items"] = new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Node() },
            },
            "factor" => new JsonObject { ["type"] = "number", ["minimum"] = 1, ["maximum"] = 1_000_000 },
            "rate" => new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0, ["maximum"] = 1 },
            "plane" => new JsonObject { ["enum"] = new JsonArray([.. OptionsReflection.EnumNames(typeof(FaultPlane)).Select(name => (JsonNode)name)]) },
            _ => Time(),
        };
        schema.Insert(0, "description", Describe(key));
        return schema;
    }

    private static IEnumerable<JsonNode> Targets(FaultRules rules)
    {
        if (rules.Targets.Contains(FaultTargetKind.Node))
        {
            yield return Node();
        }

        yield return new JsonObject
        {
            ["enum"] = new JsonArray(
            [
                .. rules.Targets.Where(kind => kind is not FaultTargetKind.Node and not FaultTargetKind.Pair)
                    .Select(kind => (JsonNode)OptionsReflection.Camel(kind.ToString())),
            ]),
        };
        if (rules.Targets.Contains(FaultTargetKind.Pair))
        {
            yield return new JsonObject { ["type"] = "array", ["items"] = Node(), ["minItems"] = 2, ["maxItems"] = 2 };
        }
    }

    private static JsonObject Section(JsonObject properties, string required) => new()
    {
        ["type"] = "object",
        ["additionalProperties"] = false,
        ["required"] = new JsonArray(required),
        ["properties"] = properties,
    };

    private static JsonObject Time() => new() { ["type"] = "string", ["pattern"] = DurationText.Pattern };

    private static JsonObject Node() => new() { ["type"] = "integer", ["minimum"] = 0 };

    private static string Describe(string key) => key switch
    {
        "at" => "When it happens for the first time.",
        "every" => "How long after the first time it happens again, and so on.",
        "times" => "How often in all, with every; as long as the run lasts if absent.",
        "target" => "Whom it strikes.",
        "groups" => "Groups of node numbers that cannot reach each other.",
        "duration" => "For how long.",
        "restartAfter" => "How long after the crash another process starts in the node's place; never if absent.",
        "factor" => "How much slower.",
        "by" => "By how much each message is delayed.",
        "rate" => "The share of messages that are struck.",
        "plane" => "Which connections are struck.",
        _ => throw new ArgumentOutOfRangeException(nameof(key), key, "is no key of a fault"),
    };
}
