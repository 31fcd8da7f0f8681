using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Training.Faults;
using NJsonSchema;
using YamlDotNet.Serialization;

namespace ActorMlp.Cli.Tests.Configuration;

/// <summary>Fault scripts: read, refused with every error at once, written and read again, and described by a schema.</summary>
public sealed class FaultScriptFileTests
{
    private const string SchemaFile = "faults.schema.json";

    public static TheoryData<string> Scripts { get; } = [.. Directory.GetFiles(Path.Combine(Repository.Configs, "faults"), "*.yaml").Select(path => Path.GetFileName(path))];

    /// <summary>A script's faults, and what the error must say of it.</summary>
    public static TheoryData<string, string[]> Refused { get; } = new()
    {
        { "seed: -1\nfaults: []", ["s.yaml:1: seed: expected a whole number from 0, got '-1'"] },
        { "sed: 1\nfaults: []", ["s.yaml:1: sed: unknown key; did you mean 'seed'?"] },
        { "seed: 1", ["s.yaml:1: faults: is required: a list of faults"] },
        { "faults: crash", ["s.yaml:1: faults: expected a list of faults"] },
        { "faults:\n  - crash", ["s.yaml:2: faults[0]: expected a fault with the keys kind and at"] },
        { "faults:\n  - {kind: crsh, at: {step: 1}, target: 0}", ["s.yaml:2: faults[0].kind: expected one of crash, stop", "did you mean 'crash'?"] },
        { "faults:\n  - kind: crash\n    target: 0", ["s.yaml:2: faults[0].at: is required: {step: N}, {time: 3.5s} or {random: {from: 1s, to: 20s}}"] },
        { "faults:\n  - kind: crash\n    at: {step: 1}", ["s.yaml:2: faults[0].target: is required for crash"] },
        { "faults:\n  - kind: crash\n    at: {step: 0}\n    target: 0", ["s.yaml:3: faults[0].at.step: is 0; allowed: 1 and more"] },
        { "faults:\n  - kind: crash\n    at: {step: 3, time: 1s}\n    target: 0", ["s.yaml:3: faults[0].at: expected exactly one of step, time, random"] },
        { "faults:\n  - kind: crash\n    at: {time: 5}\n    target: 0", ["s.yaml:3: faults[0].at.time: expected a time such as 3.5s, 200ms, 50us, 2m, 1h, got '5'"] },
        { "faults:\n  - kind: crash\n    at: {random: {from: 3s, to: 2s}}\n    target: 0", ["s.yaml:3: faults[0].at.random: is from 3 s to 2 s; expected 0 s or more, and 'to' after 'from'"] },
        { "faults:\n  - kind: crash\n    at: {step: 1}\n    target: all", ["s.yaml:4: faults[0].target: is all; allowed for crash: a node's number, coordinator, lead, parameterServer, worker, random"] },
        { "faults:\n  - kind: crash\n    at: {step: 1}\n    target: cordinator", ["s.yaml:4: faults[0].target: expected a node's number, coordinator", "did you mean 'coordinator'?"] },
        { "faults:\n  - kind: delay\n    at: {step: 1}\n    target: [1, 1]\n    by: 1ms\n    duration: 1s", ["s.yaml:4: faults[0].target: is [1, 1]; a link is between two nodes"] },
        { "faults:\n  - kind: stop\n    at: {step: 1}\n    target: 0\n    restartAfter: 1s", ["s.yaml:5: faults[0].restartAfter: has no meaning for stop; allowed: kind, at, every, times, target, duration", "s.yaml:2: faults[0].duration: is required for stop"] },
        { "faults:\n  - kind: partition\n    at: {step: 1}\n    duration: 1s", ["s.yaml:2: faults[0].groups: expected either groups, or a target that is cut off alone"] },
        { "faults:\n  - kind: partition\n    at: {step: 1}\n    duration: 1s\n    groups: [[0, 1], [1]]", ["s.yaml:5: faults[0].groups: expected each node once, by its number from 0"] },
        { "faults:\n  - kind: partition\n    at: {step: 1}\n    duration: 1s\n    groups: [0, 1]", ["s.yaml:5: faults[0].groups: expected groups of nodes such as [[0, 1], [2]]"] },
        { "faults:\n  - kind: loss\n    at: {step: 1}\n    duration: 0s\n    rate: 2", ["s.yaml:4: faults[0].duration: is 0 s; allowed: more than 0 s to 7 days", "s.yaml:5: faults[0].rate: is 2; allowed: above 0, up to 1"] },
        { "faults:\n  - kind: slow\n    at: {step: 1}\n    target: 0\n    factor: 0.5", ["s.yaml:5: faults[0].factor: is 0.5; allowed: 1 to 1000000"] },
        { "faults:\n  - kind: join\n    at: {step: 1}\n    times: 3", ["s.yaml:4: faults[0].times: is 3 without 'every'; expected both, or neither"] },
        { "faults:\n  - kind: fillDisk\n    at: {step: 1}\n    target: 0\n    duration: 1s", ["s.yaml:4: faults[0].target: is 0; allowed for fillDisk: keeper"] },
        { "faults:\n  - {kind: join, at: {step: 1}}\n  - {kind: leave, at: {step: x}, target: nobody}", ["s.yaml:3: faults[1].at.step: expected a whole number, got 'x'", "s.yaml:3: faults[1].target: expected a node's number"] },
        { "faults: [", ["s.yaml", "is no valid YAML"] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Parse_bad_script_names_line_key_and_what_is_allowed(string text, string[] expected)
    {
        string[] problems = [.. FaultScriptFile.Parse(text, "s.yaml").Problems.Select(problem => problem.ToString())];
        Assert.All(expected, wanted => Assert.True(problems.Any(problem => problem.Contains(wanted, StringComparison.Ordinal)), $"'{wanted}' is not in:\n{string.Join('\n', problems)}"));
        Assert.InRange(problems.Length, 1, 2);
    }

    [Fact]
    public void Parse_reads_every_value()
    {
        FaultScriptFile file = FaultScriptFile.Parse(
            """
            seed: 18446744073709551615
            faults:
              - {kind: crash, at: {random: {to: 2m}}, every: 1.5s, times: 9, target: parameterServer, restartAfter: 250us}
              - {kind: delay, at: {time: 1h}, target: [0, 12], by: 20ms, duration: 3s, plane: bulk}
              - {kind: partition, at: {step: 12}, duration: 1s, groups: [[0, 1], [2]]}
            """,
            "s.yaml");
        Assert.Empty(file.Problems);
        Assert.Equal(ulong.MaxValue, file.Script.Seed);
        Fault crash = file.Script.Faults[0], delay = file.Script.Faults[1], partition = file.Script.Faults[2];
        Assert.Equal(
            new Fault
            {
                Kind = FaultKind.Crash,
                At = FaultMoment.Between(TimeSpan.Zero, TimeSpan.FromMinutes(2)),
                Every = TimeSpan.FromSeconds(1.5),
                Times = 9,
                Target = new FaultTarget(FaultTargetKind.ParameterServer),
                RestartAfter = TimeSpan.FromMicroseconds(250),
            },
            crash);
        Assert.Equal((new FaultTarget(FaultTargetKind.Pair, 0, 12), FaultPlane.Bulk, TimeSpan.FromMilliseconds(20)), (delay.Target, delay.Plane, delay.By!.Value));
        Assert.Equal(FaultMoment.AtStep(12), partition.At);
        Assert.Equal([[0, 1], [2]], partition.Groups!);
    }

    [Fact]
    public void ToYaml_written_and_read_gives_the_same_script()
    {
        for (ulong seed = 1; seed <= 300; seed++)
        {
            FaultScript script = Training.Simulation.Search.SearchCase.Of(seed).Options.Script;
            string yaml = FaultScriptText.ToYaml(script);
            FaultScriptFile again = FaultScriptFile.Parse(yaml, "s.yaml");
            Assert.Empty(again.Problems);
            Assert.Equal(yaml, FaultScriptText.ToYaml(again.Script));
            Assert.Equal(script.Faults.Select(fault => fault with { Groups = null }), again.Script.Faults.Select(fault => fault with { Groups = null }));
        }
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Script_committed_is_sound_valid_under_the_schema_and_names_it(string name)
    {
        string path = Path.Combine(Repository.Configs, "faults", name);
        Assert.Empty(FaultScriptFile.Load(path).Problems);
        string text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        Assert.StartsWith($"# yaml-language-server: $schema=../{SchemaFile}\n", text, StringComparison.Ordinal);
        JsonSchema schema = await JsonSchema.FromJsonAsync(FaultScriptSchema.Generate(), TestContext.Current.CancellationToken);
        Assert.Empty(schema.Validate(ToJson(text)));
    }

    [Fact]
    public async Task Schema_refuses_what_the_command_refuses_and_takes_what_it_writes()
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(FaultScriptSchema.Generate(), TestContext.Current.CancellationToken);
        Assert.NotEmpty(schema.Validate(ToJson("faults: [{kind: crash, at: {step: 1}}]")));
        Assert.NotEmpty(schema.Validate(ToJson("faults: [{kind: crash, at: {step: 1}, target: 0, duration: 1s}]")));
        Assert.NotEmpty(schema.Validate(ToJson("faults: [{kind: join, at: {step: 1, time: 1s}}]")));
        Assert.NotEmpty(schema.Validate(ToJson("seed: 3")));
        for (ulong seed = 1; seed <= 50; seed++)
        {
            Assert.Empty(schema.Validate(ToJson(FaultScriptText.ToYaml(Training.Simulation.Search.SearchCase.Of(seed).Options.Script))));
        }
    }

    [Fact]
    public void Schema_committed_is_the_one_generated()
    {
        string committed = File.ReadAllText(Path.Combine(Repository.Configs, SchemaFile));
        Assert.True(FaultScriptSchema.Generate() == committed, $"configs/{SchemaFile} is out of date: actormlp schema --faults > configs/{SchemaFile}");
    }

    private static string ToJson(string yaml)
    {
        object? graph = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize(yaml);
        return JsonSerializer.Serialize(graph);
    }
}
