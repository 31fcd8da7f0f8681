using ActorMlp.Engine.Batches;

namespace ActorMlp.Training.Simulation;

/// <summary>Whoever wants to know when simulated nodes begin to compute.</summary>
public interface ISimulationObserver
{
    /// <summary>A node is asked for a subtree's gradient.</summary>
    /// <param name="now">Virtual time.</param>
    /// <param name="node">The subtree.</param>
    /// <param name="work">What it takes on a node of ordinary speed.</param>
    void GradientAsked(TimeSpan now, TreeNode node, TimeSpan work);

    /// <summary>A parameter server is to update, or measure, a piece.</summary>
    /// <param name="now">Virtual time.</param>
    /// <param name="work">What it takes on a node of ordinary speed.</param>
    void UpdateAsked(TimeSpan now, TimeSpan work);
}
