using System.Globalization;
using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class DataCommandTests : IDisposable
{
    private const string DigitsWeights = "c41d06cf661de6e7247ed21ae3ad78498e80fa7afc4faf8ed54bd028af42440e";

    private static readonly string Digits = Path.Combine(Repository.Configs, "digits.yaml");

    private readonly TemporaryFolder folder = new();

    private string Caches => folder.At("caches");

    public static TheoryData<string[], string[]> BadInput { get; } = new()
    {
        { [], ["Required argument 'CONFIG' missing", "See: actormlp data prepare --help"] },
        { ["none.yaml"], ["none.yaml: the run file cannot be read"] },
        { ["run.yaml", "--set", "data.cach=auto"], ["data.cach: unknown key; did you mean 'cache'?"] },
        { ["run.yaml", "--set", "data.cache=on"], ["data.cache: expected one of none, auto, got 'on'"] },
        { ["run.yaml", "--set", "data.target=knid"], ["has no column 'knid' (data.target); did you mean 'kind'?"] },
        { ["run.yaml", "--set", "data.train=none.csv"], ["data.train: none.csv: no such file"] },
        { ["run.yaml", "--set", "data.ignore=[]"], ["rows.csv:2, column 'note': 'n' is not a finite number"] },
        { ["run.yaml", "--cache-dir", "rows.csv"], ["could not be written"] },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Prepare_says_what_it_made_and_found_and_made_anew()
    {
        CommandLine made = await PrepareAsync(Digits);

        string file = Assert.Single(Directory.GetFiles(Caches, "*.actormlp-data"));
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        Assert.Contains($"made        {file}", made.Output, StringComparison.Ordinal);
        Assert.Contains("1,258 training, 180 validation, 359 test of 64 inputs", made.Output, StringComparison.Ordinal);
        Assert.Contains(new FileInfo(file).Length.ToString("N0", CultureInfo.InvariantCulture), made.Output, StringComparison.Ordinal);
        Assert.Contains("--set data.cache=auto", made.Output, StringComparison.Ordinal);
        Assert.Contains($"found       {file}", (await PrepareAsync(Digits)).Output, StringComparison.Ordinal);
        Assert.Contains($"remade      {file}", (await PrepareAsync(Digits, "--force")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_json_has_the_file_with_its_hash_and_the_fingerprint()
    {
        CommandLine made = await PrepareAsync(Digits, "--format", "json");

        JsonNode json = JsonNode.Parse(made.Output)!;
        Assert.Equal("made", (string?)json["outcome"]);
        Assert.Equal(new FileInfo((string)json["path"]!).Length, (long)json["bytes"]!);
        Assert.Equal(1258, (int)json["fingerprint"]!["training"]!["rows"]!);
        Assert.Equal("data/digits.csv.gz", (string?)json["fingerprint"]!["files"]![0]!["name"]);
        string line = await File.ReadAllTextAsync(json["path"] + ".sha256", TestContext.Current.CancellationToken);
        Assert.StartsWith($"{json["sha256"]}  ", line, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadInput))]
    public async Task Prepare_bad_input_ends_with_code_2_and_says_what_is_wrong(string[] arguments, string[] expected)
    {
        folder.File("rows.csv", "note,x,kind\nn,1,a\nm,2,b\n");
        folder.File("run.yaml", "data: {train: rows.csv, target: kind, ignore: note}\n");
        string[] located = [.. arguments.Select(argument => argument is "run.yaml" or "rows.csv" ? folder.At(argument) : argument)];
        CommandLine result = await CommandLine.RunAsync(
            ["data", "prepare", .. located, .. located.Contains("--cache-dir") ? Array.Empty<string>() : ["--cache-dir", Caches]]);

        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.All(expected, text => Assert.Contains(text, result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.False(Directory.Exists(Caches) && Directory.EnumerateFiles(Caches).Any(), "a file was left");
    }

    [Fact]
    public async Task Train_from_a_cache_ends_with_the_hash_of_the_readme_and_logs_the_cache()
    {
        CommandLine trained = await TrainAsync("run");

        Assert.Contains(DigitsWeights, trained.Output, StringComparison.Ordinal);
        string file = Assert.Single(Directory.GetFiles(Caches));
        Assert.Contains($"made the data cache {file}", trained.Error, StringComparison.Ordinal);
        string log = await File.ReadAllTextAsync(Path.Combine(folder.At("run"), "log.jsonl"), TestContext.Current.CancellationToken);
        Assert.Contains("data cache {Outcome}", log, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(file), log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_from_a_damaged_cache_warns_makes_it_anew_and_ends_with_the_same_hash()
    {
        await PrepareAsync(Digits);
        string file = Assert.Single(Directory.GetFiles(Caches, "*.actormlp-data"));
        using (FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = stream.Length - 320;
            stream.WriteByte(0x55);
        }

        CommandLine trained = await TrainAsync("run");

        Assert.Contains("warning: ", trained.Error, StringComparison.Ordinal);
        Assert.Contains("is a damaged data cache: the row at byte", trained.Error, StringComparison.Ordinal);
        Assert.Contains(DigitsWeights, trained.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_resumed_and_evaluated_from_a_cache_takes_it_for_the_same_run()
    {
        string run = folder.At("run");
        CommandLine whole = await CommandLine.RunAsync("train", Digits, "--out", run, "--quiet", "--set", "training.epochs=2");
        CommandLine resumed = await TrainAsync("run", "--resume", "--set", "training.epochs=2");
        CommandLine evaluated = await CommandLine.RunAsync("evaluate", run);

        Assert.Equal((0, 0, 0), (whole.ExitCode, resumed.ExitCode, evaluated.ExitCode));
        Assert.Equal(LastLine(whole), LastLine(resumed));
        Assert.Equal(LastLine(whole), LastLine(evaluated));
        Assert.Empty(evaluated.Error);
    }

    [Fact]
    public async Task Train_with_a_cache_folder_but_no_cache_is_refused()
    {
        CommandLine result = await CommandLine.RunAsync("train", Digits, "--cache-dir", Caches, "--out", folder.At("run"));

        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("has no effect with data.cache: none and data.distribution: local; add --set data.cache=auto", result.Error, StringComparison.Ordinal);
    }

    private static string LastLine(CommandLine result) => result.Output.TrimEnd().Split('\n')[^1];

    private Task<CommandLine> PrepareAsync(params string[] arguments) =>
        CommandLine.RunAsync(["data", "prepare", .. arguments, "--cache-dir", Caches]);

    private Task<CommandLine> TrainAsync(string run, params string[] arguments) => CommandLine.RunAsync(
        ["train", Digits, "--set", "data.cache=auto", "--cache-dir", Caches, "--out", folder.At(run), "--quiet", .. arguments]);
}
