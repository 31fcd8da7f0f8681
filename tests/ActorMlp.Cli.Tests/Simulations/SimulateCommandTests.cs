using System.Text.Json.Nodes;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Simulations;
using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Cli.Tests.Simulations;

/// <summary><c>actormlp simulate</c>: the hash of <c>train</c> through faults, plans, searches, and what is refused.</summary>
public sealed class SimulateCommandTests
{
    private static readonly string Digits = Path.Combine(Repository.Configs, "digits.yaml");

    /// <summary>Overrides of digits, and the options of the simulated cluster.</summary>
    public static TheoryData<string[], string[]> Runs { get; } = new()
    {
        { [], ["--nodes", "1"] },
        { [], ["--nodes", "3", "--faults", Path.Combine(Repository.Configs, "faults", "three-nodes.yaml")] },
        { ["training.clipNorm=1", "training.maxNorm=3", "training.optimizer.kind=nesterov", "training.optimizer.learningRate=0.02", "output.checkpointEverySteps=7"], ["--nodes", "5", "--servers", "2"] },
        { ["training.encoding.kind=int8", "training.encoding.subtrees=4"], ["--nodes", "3", "--faults", Path.Combine(Repository.Configs, "faults", "three-nodes.yaml")] },
        { ["training.consistency.mode=local"], ["--nodes", "4", "--faults", Path.Combine(Repository.Configs, "faults", "three-nodes.yaml")] },
        { ["training.encoding.kind=bfloat16", "training.encoding.errorFeedback=false"], ["--nodes", "2", "--link", "1Gbit/s,1ms"] },
    };

    /// <summary>Arguments after <c>simulate</c>, and what the error must say.</summary>
    public static TheoryData<string[], string[]> Refused { get; } = new()
    {
        { [], ["CONFIG: is required with --compute real"] },
        { [Digits, "--nodes", "0", "--seed", "x", "--link", "fast", "--speed", "-1"], ["--nodes 0: allowed are 1 to 256", "--seed x: expected a whole number", "--link fast: expected rate and latency such as 10Gbit/s,50us", "--speed -1: expected samples per second"] },
        { [Digits, "--nodes", "4", "--servers", "5"], ["--servers 5: allowed are 1 to 4"] },
        { [Digits, "--compute", "modelled", "--nodes", "10001"], ["--nodes 10001: allowed are 1 to 10000"] },
        { [Digits, "--compute", "modelled", "--set", "training.consistency.mode=ssp"], ["training.consistency.mode: is ssp; a run is planned (--compute modelled) with bsp"] },
        { [Digits, "--nodes", "2", "--set", "training.consistency.mode=backup", "--set", "training.consistency.backups=2"], ["training.consistency.backups: is 2, but only 2 workers share a step; allowed: 0 to 1 (--nodes 2)"] },
        { [Digits, "--compute", "exact"], ["exact", "real", "modelled", "checking"] },
        { [Digits, "--plot", "x.png"], ["--plot x.png: has no meaning with --compute real; it draws what --compute modelled plans"] },
        { [Digits, "--compute", "modelled", "--faults", "x.yaml"], ["--faults x.yaml: has no meaning with --compute modelled"] },
        { [Digits, "--cores", "2"], ["--cores 2: has no meaning with --compute real; it plans with --compute modelled"] },
        { [Digits, "--compute", "modelled", "--cores", "0", "--link", "1Gbit/s,1ms"], ["--cores 0: allowed are 1 to 1024", "--link 1Gbit/s,1ms: has no meaning with --cores: processes of one machine talk over its loopback"] },
        { [Digits, "--compute", "modelled", "--cores", "2", "--nodes", "65"], ["--nodes 65: allowed are 1 to 64 with --cores"] },
        { [Digits, "--compute", "modelled", "--cores", "1025", "--speed", "measured"], [$"--cores 1025: allowed are 1 to {Environment.ProcessorCount} with --speed measured on this machine"] },
        { ["--seeds", "5..1"], ["--seeds 5..1: expected the first and the last seed, such as 1..10000"] },
        { ["--seeds", "1..2", "--nodes", "3"], ["--nodes 3: has no meaning with --seeds: the seed decides the cluster"] },
        { [Digits, "--faults", "no-such-script.yaml", "--set", "training.epoch=3"], ["no-such-script.yaml: the fault script cannot be read", "did you mean 'epochs'?"] },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Simulate_ends_with_the_hash_of_train(string[] overrides, string[] cluster)
    {
        using var folder = new TemporaryFolder();
        string[] set = [.. overrides.Prepend("training.epochs=4").SelectMany(value => new[] { "--set", value })];
        CommandLine trained = await CommandLine.RunAsync(["train", Digits, "--out", folder.At("run"), "--format", "json", "--quiet", "--set", "output.plot=false", .. set]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        CommandLine simulated = await CommandLine.RunAsync(["simulate", Digits, "--json", .. cluster, .. set]);
        Assert.True(simulated.ExitCode == 0, simulated.Error);
        JsonNode expected = JsonNode.Parse(trained.Output)!, result = JsonNode.Parse(simulated.Output)!;
        Assert.Equal((string)expected["weightsSha256"]!, (string?)result["weightsSha256"]);
        Assert.Equal(expected["test"]!.ToJsonString(), result["test"]!.ToJsonString());
        Assert.True((double)result["virtualSeconds"]! > 0);
        if (cluster.Contains("--faults"))
        {
            Assert.Contains(result["faults"]!.AsArray(), fault => (string?)fault!["kind"] == "crash" && fault["skipped"] is null);
        }
    }

    [Theory]
    [InlineData("ssp")]
    [InlineData("async")]
    [InlineData("backup")]
    public async Task Simulate_other_modes_under_faults_are_replayed_from_their_log(string mode)
    {
        CommandLine result = await CommandLine.RunAsync(
            "simulate", Digits, "--nodes", "3", "--set", "training.epochs=4", "--set", $"training.consistency.mode={mode}", "--faults", Path.Combine(Repository.Configs, "faults", "three-nodes.yaml"));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"updates    {(mode == "backup" ? 80 : 240)} in the log, of 3 workers' shares; a replay of it gives these weights", result.Output, StringComparison.Ordinal);
        Assert.Contains("crash of node", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Simulate_says_the_same_each_time_and_something_else_for_another_seed()
    {
        string[] arguments = ["simulate", Digits, "--nodes", "3", "--set", "training.epochs=2"];
        CommandLine one = await CommandLine.RunAsync(arguments), again = await CommandLine.RunAsync(arguments), other = await CommandLine.RunAsync([.. arguments, "--seed", "2"]);
        Assert.Equal((0, one.Output), (again.ExitCode, again.Output));
        Assert.NotEqual(one.Output, other.Output);
        Assert.Equal(one.Output.Trim().Split('\n')[^1], other.Output.Trim().Split('\n')[^1]);
        Assert.Contains("sent by 0", one.Output, StringComparison.Ordinal);
        Assert.Contains("events", one.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Simulate_modelled_plans_says_what_limits_and_draws()
    {
        using var folder = new TemporaryFolder();
        CommandLine planned = await CommandLine.RunAsync("simulate", Digits, "--compute", "modelled", "--nodes", "2000", "--plot", folder.At("scaling.png"));
        Assert.True(planned.ExitCode == 0, planned.Error);
        Assert.Contains("only 8 of 2,000 nodes compute: training.shardsPerStep is 8", planned.Output, StringComparison.Ordinal);
        Assert.Contains("steps/s", planned.Output, StringComparison.Ordinal);
        byte[] picture = await File.ReadAllBytesAsync(folder.At("scaling.png"), TestContext.Current.CancellationToken);
        Assert.Equal("PNG", System.Text.Encoding.ASCII.GetString(picture, 1, 3));
    }

    [Fact]
    public async Task Simulate_modelled_on_shared_cores_says_what_processes_get()
    {
        string[] arguments = ["simulate", Digits, "--compute", "modelled", "--nodes", "4", "--cores", "2"];
        CommandLine planned = await CommandLine.RunAsync(arguments), again = await CommandLine.RunAsync(arguments);
        Assert.True(planned.ExitCode == 0, planned.Error);
        Assert.Equal(planned.Output, again.Output);
        Assert.Contains("simulated as 4 processes of 1 compute threads on 2 cores", planned.Output, StringComparison.Ordinal);
        Assert.Contains("assumed    100,000 samples/s a process that has its cores", planned.Output, StringComparison.Ordinal);
        CommandLine one = await CommandLine.RunAsync([.. arguments[..^3], "1", "--cores", "2", "--json"]);
        CommandLine measured = await CommandLine.RunAsync([.. arguments, "--speed", "measured", "--json"]);
        Assert.True(measured.ExitCode == 0, measured.Error);
        Assert.True((double)JsonNode.Parse(one.Output)!["points"]![0]!["samplesPerSecond"]! > 0);
        Assert.True((double)JsonNode.Parse(measured.Output)!["points"]!.AsArray()[^1]!["samplesPerSecond"]! > 0);
    }

    [Fact]
    public async Task Simulate_seeds_holds_and_counts()
    {
        CommandLine result = await CommandLine.RunAsync("simulate", "--seeds", "1..30");
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.StartsWith("seeds 1..30 hold: ", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Simulate_seeds_failure_prints_a_script_that_fails_again()
    {
        // Planted: bulk frames that are under way when a connection ends do not come again.
        var request = new SimulateRequest { Compute = SimulatedCompute.Checking, Link = SearchCase.Links with { ResendsFrames = false }, Seed = 1, LastSeed = 500 };
        using var output = new StringWriter();
        var simulator = new Simulator(new CommandContext(output, TextWriter.Null, null, TimeProvider.System));
        Assert.Equal(ExitCode.Failed, simulator.Run(request));
        string text = output.ToString();
        string seed = text[(text.IndexOf("--seed ", StringComparison.Ordinal) + 7)..].Split(' ')[0];

        using var folder = new TemporaryFolder();
        string script = folder.File("shrunk.yaml", text[text.IndexOf("seed: ", StringComparison.Ordinal)..]);
        FaultScriptFile file = FaultScriptFile.Load(script);
        Assert.Empty(file.Problems);
        Assert.Single(file.Script.Faults);
        ulong again = ulong.Parse(seed, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(ExitCode.Failed, simulator.Run(request with { Seed = again, LastSeed = null, FaultScript = script }));
        Assert.Equal(ExitCode.Success, simulator.Run(request with { Seed = again, LastSeed = null, FaultScript = script, Link = SearchCase.Links }));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Simulate_bad_argument_names_it_and_what_is_allowed(string[] arguments, string[] expected)
    {
        CommandLine result = await CommandLine.RunAsync(["simulate", .. arguments]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.All(expected, text => Assert.Contains(text, result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }
}
