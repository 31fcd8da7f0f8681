using System.Reflection;
using ActorMlp.Cli.Commands;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Data;
using ActorMlp.Engine.Networks;
using ActorMlp.Training.Machines;

namespace ActorMlp.Cli.Tests;

/// <summary>One line of projects, Cli → Cluster → Training → Data → Engine: each knows only those to its right.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly[] Line =
    [
        typeof(ActorMlpCommand).Assembly,
        typeof(TrainingRun).Assembly,
        typeof(CoordinatorMachine).Assembly,
        typeof(DataLoader).Assembly,
        typeof(Network).Assembly,
    ];

    [Fact]
    public void Projects_know_only_those_to_their_right()
    {
        for (int i = 0; i < Line.Length; i++)
        {
            string[] left = [.. Line.Take(i).Select(assembly => assembly.GetName().Name!)];
            Assert.Empty(References(Line[i]).Intersect(left));
        }
    }

    [Fact]
    public void Engine_uses_the_base_class_library_only() =>
        Assert.All(References(typeof(Network).Assembly), name => Assert.StartsWith("System", name, StringComparison.Ordinal));

    [Fact]
    public void Training_knows_no_actors_clocks_sockets_or_threads()
    {
        Assembly training = typeof(CoordinatorMachine).Assembly;
        string[] allowed = ["ActorMlp.Engine", "ActorMlp.Data", "MessagePack.Annotations"];
        Assert.All(
            References(training).Except(allowed),
            name => Assert.True(
                name.StartsWith("System", StringComparison.Ordinal)
                && !name.StartsWith("System.Net", StringComparison.Ordinal)
                && !name.StartsWith("System.Threading", StringComparison.Ordinal),
                $"Training refers to {name}"));
    }

    private static string[] References(Assembly assembly) =>
        [.. assembly.GetReferencedAssemblies().Select(reference => reference.Name!)];
}
