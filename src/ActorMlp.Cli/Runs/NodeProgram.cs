using System.Diagnostics;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Runs;

/// <summary>This very program, started once more as a node.</summary>
internal static class NodeProgram
{
    /// <summary>How to start it: <c>actormlp node --until-input-ends …</c>, with its input and output for whoever starts it.</summary>
    /// <param name="prefix">What to run it by, such as <c>ip netns exec NAME</c>; empty for nothing.</param>
    /// <param name="arguments">What follows <c>actormlp node</c>.</param>
    /// <exception cref="NodeException">The path of this program is not known.</exception>
    public static ProcessStartInfo Start(IReadOnlyList<string> prefix, IReadOnlyList<string> arguments)
    {
        string program = Environment.ProcessPath ?? throw new NodeException("the path of this program is not known, so no node can be started");
        bool isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        string[] words = [.. prefix, program, .. isHost ? (string[])[typeof(NodeProgram).Assembly.Location] : [], "node", "--until-input-ends", .. arguments];
        return new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
    }
}
