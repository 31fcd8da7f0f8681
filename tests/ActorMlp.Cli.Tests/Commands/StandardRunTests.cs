using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary>
/// Three runs on the data that come along, each known by the hash of its weights: between them they use most of what can enter the weights. A
/// machine, compiler or runtime that computes anything else fails here.
/// </summary>
public sealed class StandardRunTests
{
    public static TheoryData<string, string[], string> Runs() => new()
    {
        { "as shipped", [], "c41d06cf661de6e7247ed21ae3ad78498e80fa7afc4faf8ed54bd028af42440e" },
        {
            "deep, smooth, penalised, clipped",
            [
                "training.epochs=6", "model.hidden=[100, 50, 30]", "model.activation=[tanh, sigmoid, leakyRelu]", "model.dropout=0", "model.inputDropout=0.1",
                "training.optimizer.kind=nesterov", "training.optimizer.learningRate=0.02", "training.l1=1e-5", "training.l2=1e-4",
                "training.clipNorm=1", "training.maxNorm=3", "training.schedule.kind=step",
            ],
            "f081899cfbd6e80ecbb5bf27aa14a5bd1b46e063ea8390b5c208294904c06d67"
        },
        {
            "one layer, squared error",
            [
                "training.epochs=6", "model.hidden=[]", "model.dropout=0", "model.loss=meanSquaredError", "training.optimizer.kind=rmsProp",
                "training.batchSize=100", "training.shardsPerStep=2",
            ],
            "f2168db4a122317eabaa4bcd584cb4e63e884f7d150dd558d854341f53367184"
        },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Standard_run_ends_at_its_hash(string run, string[] overrides, string hash)
    {
        using var folder = new TemporaryFolder();
        CommandLine trained = await CommandLine.RunAsync(
        [
            "train", Path.Combine(Repository.Configs, "digits.yaml"), "--out", folder.At("run"), "--format", "json", "--quiet", "--set", "output.plot=false",
            .. overrides.SelectMany(value => new[] { "--set", value }),
        ]);
        Assert.True(trained.ExitCode == 0, $"{run}: {trained.Error}");
        Assert.Equal(hash, (string?)JsonNode.Parse(trained.Output)!["weightsSha256"]);
    }
}
